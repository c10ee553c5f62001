import type { MatrixEngine, Slot, Task } from '@distributed-shampoo/tensor';
import { layOutBlock, type OwnedBlock } from './block.ts';
import { type GroupRuntime, makeGroup } from './group-runtime.ts';
import { switchMode } from './iterate-averaging.ts';
import type { ShampooOptions } from './options.ts';
import type { Plan, PlannedBlock } from './plan/plan.ts';
import { type GroupCounters, nextScalars, type StepScalars } from './scalars.ts';
import { direct, observe } from './step.ts';

/** What a shard is made from. */
export interface ShardInputs {
  readonly engine: MatrixEngine;
  readonly plan: Plan;
  readonly options: ShampooOptions;
  readonly rank: number;
}

/** A step as the shard sees it. */
export interface ShardStep {
  /** Whether a parameter has a gradient, by its index. */
  readonly present: (parameter: number) => boolean;
  /** Learning rate of a group, by its index. */
  readonly rate: (group: number) => number;
}

/** A root that could not be taken; the old one stays. */
export interface RefreshFailure {
  readonly block: string;
  readonly step: number;
  readonly reason: string;
}

/** What a step came to. */
export interface ShardOutcome {
  /** Whether roots were due on any rank: the same answer on all. */
  readonly dueAnywhere: boolean;
  readonly refreshed: number;
  readonly refreshMs: number;
  readonly failures: readonly RefreshFailure[];
  /** Blocks that failed more often in a row than they may. */
  readonly exhausted: readonly string[];
}

interface Member {
  readonly number: number;
  readonly block: OwnedBlock;
  readonly group: GroupRuntime;
  /** `[1, 1]`: the gradient's norm. */
  readonly norm: Slot;
  /** Gradients seen. */
  count: number;
  /** Refreshes that failed, in a row. */
  failures: number;
}

/** The blocks that this rank owns, and their arithmetic: everything between the two collectives. */
export class Shard {
  readonly #engine: MatrixEngine;
  readonly #options: ShampooOptions;
  readonly #plan: Plan;
  readonly #groups: readonly GroupRuntime[];
  /** Dearest first: the order in which lanes take them. */
  readonly #members: readonly Member[];

  /** Lays the state out; the engine must not be open yet. */
  constructor({ engine, plan, options, rank }: ShardInputs) {
    this.#engine = engine;
    this.#options = options;
    this.#plan = plan;
    this.#groups = options.groups.map((group, index) =>
      makeGroup(engine, group.options, { blocks: plan.blocks, group: index, rank, compatibility: options.compatibility }),
    );
    const shardOffset = plan.counts.slice(0, rank).reduce((sum, count) => sum + count, 0);
    const owned = plan.blocks.flatMap((planned, number) => (planned.owner === rank ? [{ planned, number }] : []));
    owned.sort((a, b) => arithmetic(b.planned) - arithmetic(a.planned) || a.number - b.number);
    this.#members = owned.map(({ planned, number }) => {
      const group = this.#groups[planned.group] as GroupRuntime;
      const { options: own, method } = group;
      const block = layOutBlock(engine, { planned, options: own, method }, { shardOffset });
      return { number, block, group, norm: engine.allocate([1, 1]), count: 0, failures: 0 };
    });
  }

  /** The blocks, as a checkpoint names them. */
  get blocks(): readonly OwnedBlock[] {
    return this.#members.map(({ block }) => block);
  }

  /** Counters of each group. */
  get counters(): readonly GroupCounters[] {
    return this.#groups.map(({ counters }) => counters);
  }

  /** Writes first values. The engine is open and the weights are in their buffer. */
  start(): void {
    for (const { block } of this.#members) {
      block.method.start(block.state);
      if (block.iterate !== null && block.weights !== null) this.#engine.combine(block.iterate, block.weights, { a: 1, b: 0 });
    }
  }

  /**
   * Parameters whose gradients, on this rank, are not finite or so large that their squares are not: what has to stop a step before it
   * writes anything.
   */
  unusableGradients({ present }: Pick<ShardStep, 'present'>): readonly string[] {
    const members = this.#members.filter(({ block }) => present(block.planned.parameter));
    this.#engine.parallel(
      members.map(
        ({ block, norm }) =>
          () =>
            this.#engine.norm(norm, block.gradient),
      ),
    );
    const bad = members.filter(({ norm }) => !Number.isFinite(Math.fround((this.#engine.values(norm)[0] as number) ** 2)));
    return [...new Set(bad.map(({ block }) => this.#plan.parameters[block.planned.parameter]?.name ?? ''))];
  }

  /** Takes the gradients in and writes what each parameter moves by. */
  step({ present, rate }: ShardStep): ShardOutcome {
    const scalars = this.#groups.map(({ options, counters }, index) => nextScalars(options, counters, rate(index)));
    const active = this.#members.filter(({ block }) => present(block.planned.parameter));
    for (const member of active) member.count += 1;
    const due = active.filter(({ number, group }) =>
      group.schedule.due(group.positions.get(number) as number, group.counters.step),
    );
    const observing =
      (member: Member): Task =>
      () =>
        observe(this.#engine, member.block, scalarsOf(scalars, member), this.#time(member));
    const directing =
      (member: Member): Task =>
      () =>
        direct(this.#engine, member.block, scalarsOf(scalars, member), this.#time(member));
    const dueAnywhere = this.#dueAnywhere(present);
    if (due.length === 0) {
      this.#engine.parallel(
        active.map((member) => {
          const [first, second] = [observing(member), directing(member)];
          return () => {
            first();
            second();
          };
        }),
      );
      return { dueAnywhere, refreshed: 0, refreshMs: 0, failures: [], exhausted: [] };
    }
    this.#engine.parallel(active.map(observing));
    const outcome = this.#refresh(due);
    this.#engine.parallel(active.map(directing));
    return { dueAnywhere, ...outcome };
  }

  /** Writes what each averaged parameter moves by when the mode changes. @param coefficient by group. */
  switchMode(coefficient: (group: number) => number): void {
    this.#engine.parallel(
      this.#members.map(
        ({ block }) =>
          () =>
            switchMode(this.#engine, block, coefficient(block.planned.group)),
      ),
    );
  }

  dispose(): void {
    this.#engine.dispose();
  }

  #refresh(due: readonly Member[]): Omit<ShardOutcome, 'dueAnywhere'> {
    const started = performance.now();
    const jobs = due.flatMap((member) =>
      member.block.method.refresh(member.block.state, this.#time(member).count).map((job) => ({ member, job })),
    );
    jobs.sort((a, b) => b.job.cost - a.job.cost);
    this.#engine.parallel(jobs.map(({ job }) => job.run));
    const failures: RefreshFailure[] = [];
    const failed = new Set<Member>();
    for (const { member, job } of jobs) {
      const outcome = job.install();
      if (outcome.ok) continue;
      failed.add(member);
      failures.push({ block: member.block.planned.id, step: member.group.counters.step, reason: outcome.reason });
    }
    for (const member of due) member.failures = failed.has(member) ? member.failures + 1 : 0;
    const exhausted = due
      .filter(({ failures: count, block }) => count > toleratedFailures(block))
      .map(({ block }) => block.planned.id);
    return { refreshed: jobs.length, refreshMs: performance.now() - started, failures, exhausted };
  }

  #dueAnywhere(present: ShardStep['present']): boolean {
    return this.#plan.blocks.some(({ group, parameter }, number) => {
      const { schedule, positions, counters } = this.#groups[group] as GroupRuntime;
      return present(parameter) && schedule.due(positions.get(number) as number, counters.step);
    });
  }

  /** Bias corrections follow the block's own gradients; in the reference they follow the group's steps. */
  #time({ number, group, count }: Member) {
    const { counters, schedule, positions } = group;
    return {
      count: this.#options.compatibility === 'reference' ? counters.step : count,
      graftingLeads: counters.step < schedule.first(positions.get(number) as number),
    };
  }
}

const scalarsOf = (scalars: readonly StepScalars[], { block }: Member): StepScalars =>
  scalars[block.planned.group] as StepScalars;

/** Multiplications of a block's products: what its task costs. */
const arithmetic = ({ shape, elements }: PlannedBlock): number => shape.reduce((sum, d) => sum + elements * d, 0);

const toleratedFailures = ({ options }: OwnedBlock): number =>
  'toleratedFailures' in options.preconditioner ? options.preconditioner.toleratedFailures : Infinity;
