import type { RefreshJob } from '@distributed-shampoo/preconditioner';
import type { MatrixEngine, Slot, Task } from '@distributed-shampoo/tensor';
import { blockSlots, layOutBlock, type OwnedBlock } from './block.ts';
import { type GroupRuntime, makeGroup } from './group-runtime.ts';
import { switchMode } from './iterate-averaging.ts';
import type { ShampooOptions } from './options.ts';
import type { Plan, PlannedBlock } from './plan/plan.ts';
import type { BlockSnapshot, Expected, ShardSnapshot } from './saved-state.ts';
import { nextScalars, type StepScalars } from './scalars.ts';
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
export interface ShardOutcome extends RefreshCount {
  /** Whether roots may have failed on any rank: the same answer on all. */
  readonly dueAnywhere: boolean;
}

/** What the refreshes of a step came to. */
interface RefreshCount {
  readonly refreshed: number;
  readonly refreshMs: number;
  readonly failures: readonly RefreshFailure[];
  /** Blocks that failed more often in a row than they may. */
  readonly exhausted: readonly string[];
}

const noRefresh: RefreshCount = { refreshed: 0, refreshMs: 0, failures: [], exhausted: [] };

const joined = (a: RefreshCount, b: RefreshCount): RefreshCount => ({
  refreshed: a.refreshed + b.refreshed,
  refreshMs: a.refreshMs + b.refreshMs,
  failures: [...a.failures, ...b.failures],
  exhausted: [...a.exhausted, ...b.exhausted],
});

/** A root of a block, to be computed or under way. */
interface MemberJob {
  readonly member: Member;
  readonly job: RefreshJob;
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
  /** Roots that lanes compute in the background; the next step brings them into use. */
  #underWay: readonly MemberJob[] = [];
  /** Whether roots were due on any rank in the last step. */
  #dueBefore = false;

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

  /** The blocks that this rank owns. */
  get blocks(): readonly OwnedBlock[] {
    return this.#members.map(({ block }) => block);
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
   *
   * @param meanwhile what the calling thread does while other lanes look; it must not touch the engine.
   */
  unusableGradients({ present }: Pick<ShardStep, 'present'>, meanwhile: () => void = () => undefined): readonly string[] {
    const members = this.#members.filter(({ block }) => present(block.planned.parameter));
    this.#engine.start(
      members.map(
        ({ block, norm }) =>
          () =>
            this.#engine.norm(norm, block.gradient),
      ),
    );
    try {
      meanwhile();
    } finally {
      this.#engine.finish();
    }
    const bad = members.filter(({ norm }) => !Number.isFinite(Math.fround((this.#engine.values(norm)[0] as number) ** 2)));
    return [...new Set(bad.map(({ block }) => this.#plan.parameters[block.planned.parameter]?.name ?? ''))];
  }

  /** Takes the gradients in and writes what each parameter moves by. */
  step({ present, rate }: ShardStep): ShardOutcome {
    const background = this.#finishRefresh(this.#underWay);
    this.#underWay = [];
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
    const later = due.filter(({ group }) => group.options.refresh === 'background');
    const now = due.filter((member) => !later.includes(member));
    let outcome = noRefresh;
    if (now.length === 0) {
      this.#engine.parallel(
        active.map((member) => {
          const [first, second] = [observing(member), directing(member)];
          return () => {
            first();
            second();
          };
        }),
      );
    } else {
      this.#engine.parallel(active.map(observing));
      const jobs = this.#jobs(now);
      outcome = this.#finishRefresh(jobs, () => this.#engine.parallel(jobs.map(({ job }) => job.run)));
      this.#engine.parallel(active.map(directing));
    }
    if (later.length > 0) {
      this.#underWay = this.#jobs(later);
      this.#engine.start(this.#underWay.map(({ job }) => job.run));
    }
    const mayHaveFailed = dueAnywhere || this.#dueBefore;
    this.#dueBefore = dueAnywhere;
    return { dueAnywhere: mayHaveFailed, ...joined(background, outcome) };
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

  /** What a snapshot has to fit. */
  get expected(): Expected {
    const own = new Set(this.blocks.map(({ planned }) => planned));
    return {
      groups: this.#groups.length,
      own: new Map(
        this.blocks.map((block) => [
          block.planned.id,
          Object.fromEntries(Object.entries(blockSlots(block)).map(([name, { shape }]) => [name, shape])),
        ]),
      ),
      others: this.#plan.blocks.filter((planned) => !own.has(planned)).map(({ id }) => id),
    };
  }

  /** A copy of all that the next step goes on from. */
  snapshot(): ShardSnapshot {
    const underWay = new Set(this.#underWay.map(({ member }) => member));
    const blocks = this.#members.map((member): readonly [string, BlockSnapshot] => {
      const { block, count, failures } = member;
      const slots = Object.entries(blockSlots(block)).map(([name, slot]) => [name, new Float32Array(this.#engine.values(slot))]);
      return [block.planned.id, { count, failures, underWay: underWay.has(member), slots: Object.fromEntries(slots) }];
    });
    return {
      counters: this.#groups.map(({ counters }) => ({ ...counters })),
      dueBefore: this.#dueBefore,
      blocks: new Map(blocks),
    };
  }

  /** Goes on from a snapshot that fits; roots that were under way in it are begun again. */
  restore({ counters, dueBefore, blocks }: ShardSnapshot): void {
    // Places that roots under way hold are given back; what they come to is overwritten.
    this.#finishRefresh(this.#underWay);
    for (const [index, group] of this.#groups.entries()) Object.assign(group.counters, counters[index]);
    this.#dueBefore = dueBefore;
    const saved = this.#members.map((member) => ({ member, from: blocks.get(member.block.planned.id) as BlockSnapshot }));
    for (const { member, from } of saved) {
      member.count = from.count;
      member.failures = from.failures;
      for (const [name, slot] of Object.entries(blockSlots(member.block)))
        this.#engine.values(slot).set(from.slots[name] as Float32Array);
    }
    this.#underWay = this.#jobs(saved.flatMap(({ member, from }) => (from.underWay ? [member] : [])));
    if (this.#underWay.length > 0) this.#engine.start(this.#underWay.map(({ job }) => job.run));
  }

  dispose(): void {
    this.#engine.dispose();
  }

  /** What is to be computed anew for some blocks, dearest first. */
  #jobs(due: readonly Member[]): readonly MemberJob[] {
    const jobs = due.flatMap((member) =>
      member.block.method.refresh(member.block.state, this.#time(member).count).map((job) => ({ member, job })),
    );
    return jobs.sort((a, b) => b.job.cost - a.job.cost);
  }

  /** Brings new roots into use. @param compute ends their computation. */
  #finishRefresh(jobs: readonly MemberJob[], compute = () => this.#engine.finish()): RefreshCount {
    if (jobs.length === 0) return noRefresh;
    const started = performance.now();
    compute();
    const failures: RefreshFailure[] = [];
    const due = new Set(jobs.map(({ member }) => member));
    const failed = new Set<Member>();
    for (const { member, job } of jobs) {
      const outcome = job.install();
      if (outcome.ok) continue;
      failed.add(member);
      failures.push({ block: member.block.planned.id, step: member.group.counters.step, reason: outcome.reason });
    }
    for (const member of due) member.failures = failed.has(member) ? member.failures + 1 : 0;
    this.#engine.parallel(
      [...due].map(
        ({ block }) =>
          () =>
            block.method.afterRefresh(block.state),
      ),
    );
    const exhausted = [...due]
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
