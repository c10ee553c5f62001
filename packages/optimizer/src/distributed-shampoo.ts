import {
  allocateRegions,
  type DeviceMesh,
  DTensor,
  deviceMesh,
  onlyAxis,
  partial,
  type Regions,
  replicate,
  replicateVariables,
  shard,
} from '@distributed-shampoo/dtensor';
import { createEngine, type MatrixEngine, packTensor } from '@distributed-shampoo/tensor';
import { type NamedTensorMap, Optimizer, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { agreeOn, anyRank } from './agree.ts';
import { OptimizerError } from './errors.ts';
import { groupRate } from './group-rate.ts';
import { parseOptions, type ShampooInput, type ShampooOptions } from './options.ts';
import { checkOrders } from './plan/orders.ts';
import { makePlan, type Plan } from './plan/plan.ts';
import type { NamedTensor } from './saved-entries.ts';
import { nameState, readState } from './saved-state.ts';
import { type RefreshFailure, Shard, type ShardOutcome } from './shard.ts';
import {
  type BoundVariable,
  bindVariables,
  bindWeights,
  describeVariables,
  moveVariable,
  registeredVariable,
  writeGradient,
} from './variables.ts';

/** Where an optimizer runs. */
export interface Surroundings {
  /** Ranks that train together; one process alone where absent. */
  readonly mesh?: DeviceMesh;
  /** An engine whose layout is open, or the name of a kind: `auto`, `blas`, `tfjs`, `reference`. */
  readonly engine?: MatrixEngine | string;
  /** Threads of this rank that share the arithmetic; the engine's default where absent. */
  readonly lanes?: number;
}

/** Where the time of the last step went, in milliseconds, and what its roots came to. */
export interface StepReport {
  readonly reduceScatterMs: number;
  /** Statistics, roots and directions; `refreshMs` of it for roots. */
  readonly arithmeticMs: number;
  readonly refreshMs: number;
  readonly allGatherMs: number;
  readonly applyMs: number;
  readonly refreshed: number;
  readonly failures: readonly RefreshFailure[];
}

interface Built {
  readonly plan: Plan;
  readonly shard: Shard;
  readonly regions: Regions;
  readonly weights: Float32Array;
  readonly variables: readonly BoundVariable[];
  /** Where this rank's weights come from; empty where nothing reads them. */
  readonly weightSources: readonly BoundVariable[];
  readonly indices: ReadonlyMap<string, number>;
}

/**
 * Distributed Shampoo, a `tf.Optimizer`: preconditioning with Kronecker factors of the gradient, blocks owned by ranks.
 *
 *     gradients   Partial  --reduce-scatter-->  Shard(0)      an owner holds the mean gradient of its blocks
 *     directions  Shard(0) --all-gather------>  Replicate     every rank applies the same update
 *
 * Every rank calls the same methods in the same order. `build` fixes the plan and allocates all state; a step allocates none.
 *
 * @see Shi et al., arXiv 2309.06497; spec/optimizer.md.
 */
export class DistributedShampoo extends Optimizer {
  static readonly className = 'DistributedShampoo';
  readonly mesh: DeviceMesh;
  readonly #options: ShampooOptions;
  readonly #surroundings: Surroundings;
  readonly #baseRate: number;
  readonly #written = new Set<number>();
  #learningRate: number;
  #mode: 'train' | 'eval' = 'train';
  #built: Built | undefined;
  #report: StepReport | undefined;

  /** @throws {OptimizerError} `bad-option`. */
  constructor(options: ShampooInput = {}, surroundings: Surroundings = {}) {
    super();
    this.#options = parseOptions(options);
    this.#surroundings = surroundings;
    this.mesh = surroundings.mesh ?? deviceMesh(null);
    this.#baseRate = this.#options.groups[0]?.options.learningRate ?? 0;
    this.#learningRate = this.#baseRate;
  }

  /** Of the parameters that no group names. Groups with a rate of their own keep its ratio to the one given to the constructor. */
  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(rate: number) {
    if (!(rate >= 0))
      throw new OptimizerError('bad-option', `learningRate: must be at least 0 (got ${rate}).`, { path: ['learningRate'] });
    this.#learningRate = rate;
  }

  /** What follows from the variables' shapes. @throws {OptimizerError} `bad-state` before `build`. */
  get plan(): Plan {
    return this.#mustBeBuilt('plan').plan;
  }

  /** Where the time of the last step went; undefined before the first. */
  get report(): StepReport | undefined {
    return this.#report;
  }

  /**
   * Fixes variables, plan and memory, and gives every rank the first rank's values. Collective.
   *
   * @param variables everything that is trained, in the same order on every rank.
   * @throws {OptimizerError} `bad-state` when built before, `bad-variable`, `bad-option`, `ranks-differ`.
   */
  build(variables: readonly Variable[]): void {
    if (this.#built !== undefined)
      throw new OptimizerError('bad-state', 'build: the optimizer is built; make another for other variables.');
    const { size, coordinate: rank } = onlyAxis(this.mesh);
    const plan = makePlan(describeVariables(variables, this.#options), { ranks: size, cost: this.#options.cost });
    checkOrders(plan, this.#options);
    agreeOn(this.mesh, JSON.stringify([plan, this.#options.input]), 'variables or options of the optimizer');
    const { engine: kind = 'auto', lanes } = this.#surroundings;
    const engine = typeof kind === 'string' ? createEngine(kind, lanes) : kind;
    const shardOfRank = new Shard({ engine, plan, options: this.#options, rank });
    const count = plan.counts[rank] as number;
    const weightBytes = Math.ceil((4 * count) / 64) * 64;
    const regions = allocateRegions(this.mesh, {
      partial: plan.length,
      replicate: plan.length,
      privateBytes: weightBytes + engine.arenaBytes,
    });
    engine.open({
      memory: regions.memory,
      arenaOffset: regions.privateOffset + weightBytes,
      flatOffsets: { gradients: regions.partialOffset, directions: regions.replicateOffset, weights: regions.privateOffset },
    });
    replicateVariables(this.mesh, variables);
    this.#built = {
      plan,
      shard: shardOfRank,
      regions,
      weights: new Float32Array(regions.memory.buffer, regions.privateOffset, count),
      variables: bindVariables(variables, plan),
      weightSources: bindWeights(variables, { plan, options: this.#options, rank }),
      indices: new Map(variables.map(({ name }, index) => [name, index])),
    };
    this.#readWeights();
    shardOfRank.start();
  }

  /**
   * Takes a gradient into the flat buffer, so that its tensor can go: for training loops that hand gradients over one by one, as
   * backpropagation finds them. `step` uses what was written since the last one.
   *
   * @throws {OptimizerError} `bad-variable` for a name that `build` was not given, or another shape.
   */
  writeGradient(name: string, gradient: Tensor): void {
    const { indices, variables, regions } = this.#mustBeBuilt('writeGradient');
    const index = indices.get(name);
    if (index === undefined) {
      throw new OptimizerError(
        'bad-variable',
        `writeGradient: "${name}" was not among the ${variables.length} variables given to build().`,
        { name },
      );
    }
    writeGradient(regions.partial, variables[index] as BoundVariable, gradient);
    this.#written.add(index);
  }

  /**
   * One step with the gradients written since the last: their mean over ranks, directions by their owners, the same update everywhere.
   * Collective. A parameter without a gradient keeps its value and its state; the set must be the same on all ranks.
   *
   * @throws {OptimizerError} `bad-state` in evaluation mode, `ranks-differ`, `not-finite`: nothing has changed; `refresh-failed`: the step
   * is whole, and its roots failed too often.
   */
  step(): StepReport {
    const built = this.#mustBeBuilt('step');
    if (this.#mode === 'eval')
      throw new OptimizerError('bad-state', 'step: the optimizer is in evaluation mode; call train() first.');
    const { plan, regions, shard: mine, variables } = built;
    const present = (parameter: number) => this.#written.has(parameter);
    agreeOn(this.mesh, variables.map((_, index) => (present(index) ? '1' : '0')).join(''), 'missing gradients');
    const clock = stopwatch();
    const gradients = new DTensor(this.mesh, partial('mean'), regions.partial);
    gradients.redistributeSync(shard(0, plan.counts), { into: this.#ownPart(regions.partial) });
    const reduceScatterMs = clock();
    this.#mustBeUsable(mine.unusableGradients({ present }, () => this.#readWeights()));
    const outcome = mine.step({ present, rate: (group) => this.#rateOf(group) });
    const arithmeticMs = clock();
    this.#gatherDirections();
    const allGatherMs = clock();
    for (const [index, variable] of variables.entries()) if (present(index)) moveVariable(regions.replicate, variable);
    this.#written.clear();
    const { refreshMs, refreshed, failures } = outcome;
    this.#report = { reduceScatterMs, arithmeticMs, refreshMs, allGatherMs, applyMs: clock(), refreshed, failures };
    if (outcome.dueAnywhere) this.#mustNotBeExhausted(outcome);
    return this.#report;
  }

  /** TensorFlow.js's own entry: writes the gradients and steps. Builds over the given variables where `build` was not called before. */
  override applyGradients(gradients: NamedTensorMap | { name: string; tensor: Tensor }[]): void {
    const named = Array.isArray(gradients) ? gradients : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    if (this.#built === undefined) this.build(named.map(({ name }) => registeredVariable(name)));
    for (const { name, tensor } of named) this.writeGradient(name, tensor);
    this.step();
    this.incrementIterations();
  }

  /** Turns averaged parameters from their evaluation values to those that are trained. Collective; nothing happens in training mode. */
  train(): void {
    this.#switchTo('train', (trainInterpolation) => 1 - trainInterpolation);
  }

  /** Turns averaged parameters to the values to evaluate and to save. Collective; nothing happens in evaluation mode. */
  eval(): void {
    this.#switchTo('eval', (trainInterpolation) => 1 - 1 / trainInterpolation);
  }

  /**
   * What goes on from step to step on this rank but the variables themselves: save both together. Roots that are computed in the background
   * belong to it. The caller disposes of the tensors.
   *
   * @returns by name: `iter`, `mode` (1 in training mode), `due`, `groups.N/counters` `[2]`, and for each block that this rank owns `BLOCK/progress` `[3]`
   * and its slots, as `BLOCK/factor 0`, in float32. A gradient that was written and not stepped with is not part of it.
   * @throws {OptimizerError} `bad-state` before `build`.
   */
  override async getWeights(): Promise<NamedTensor[]> {
    const { shard: mine } = this.#mustBeBuilt('getWeights');
    return nameState({ iterations: this.iterations, mode: this.#mode, shard: mine.snapshot() }, mine.expected.own);
  }

  /**
   * Takes over what `getWeights` returned, mode included: the variables must have the values that were saved with it. What follows has the
   * same bits as if it had not been interrupted. Entries of blocks that other ranks own are passed over, so the state of all ranks put together can be given to
   * any number of them. The tensors stay the caller's. Collective.
   *
   * @throws {OptimizerError} `bad-state` before `build`, `checkpoint-mismatch` for state of other variables or options, `ranks-differ` where ranks are
   * given different steps: nothing has changed.
   */
  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const { shard: mine } = this.#mustBeBuilt('setWeights');
    const failed = await readState(weights, mine.expected).then(
      (saved) => ({ saved, error: null }),
      (error: unknown) => ({ saved: null, error }),
    );
    const rank = anyRank(this.mesh, failed.saved === null);
    if (failed.saved === null) throw failed.error;
    if (rank !== null)
      throw new OptimizerError(
        'checkpoint-mismatch',
        `setWeights: the saved state does not fit rank ${rank}; nothing was changed.`,
        {
          rank,
        },
      );
    const { iterations, mode, shard: state } = failed.saved;
    agreeOn(this.mesh, JSON.stringify([iterations, mode, state.counters, state.dueBefore]), 'steps of the saved state');
    mine.restore(state);
    this.iterations_ = iterations;
    this.#mode = mode;
    this.#written.clear();
  }

  /** The options as they were given. */
  override getConfig(): ReturnType<Optimizer['getConfig']> {
    return structuredClone(this.#options.input) as ReturnType<Optimizer['getConfig']>;
  }

  /** Frees what the optimizer holds. May be called twice. */
  override dispose(): void {
    this.#built?.shard.dispose();
    this.#built = undefined;
    super.dispose();
  }

  #switchTo(mode: 'train' | 'eval', coefficientOf: (trainInterpolation: number) => number): void {
    const { shard: mine, plan, variables, regions } = this.#mustBeBuilt(mode);
    if (this.#mode === mode) return;
    // Every rank must have read the last directions before one of them writes the next.
    agreeOn(this.mesh, mode, 'modes');
    const interpolation = (group: number): number | null => {
      const averaging = this.#options.groups[group]?.options.iterateAveraging;
      return averaging?.type === 'gpa' || averaging?.type === 'schedule-free' ? averaging.trainInterpolation : null;
    };
    const averaged = plan.parameters.flatMap(({ group }, index) => (interpolation(group) === null ? [] : [index]));
    if (averaged.length > 0) {
      this.#readWeights();
      mine.switchMode((group) => coefficientOf(interpolation(group) ?? 1));
      this.#gatherDirections();
      for (const index of averaged) moveVariable(regions.replicate, variables[index] as BoundVariable);
    }
    this.#mode = mode;
  }

  /** The shard of directions that this rank wrote becomes the same buffer on every rank. */
  #gatherDirections(): void {
    const { plan, regions } = this.#mustBeBuilt('step');
    const own = new DTensor(this.mesh, shard(0, plan.counts), this.#ownPart(regions.replicate));
    own.redistributeSync(replicate(), { into: regions.replicate });
  }

  /** This rank's range of a flat buffer. */
  #ownPart(flat: Float32Array): Float32Array {
    const { plan, weights } = this.#mustBeBuilt('step');
    const { coordinate } = onlyAxis(this.mesh);
    const start = plan.counts.slice(0, coordinate).reduce((sum, count) => sum + count, 0);
    return flat.subarray(start, start + weights.length);
  }

  /** Copies the parameters that decay or averaging read, of this rank's blocks. */
  #readWeights(): void {
    const { weights, weightSources } = this.#mustBeBuilt('step');
    for (const { variable, runs } of weightSources) packTensor(weights, variable, runs);
  }

  #rateOf(group: number): number {
    const own = this.#options.groups[group]?.options.learningRate ?? this.#baseRate;
    return groupRate({ own, base: this.#baseRate, current: this.#learningRate });
  }

  #mustBeUsable(variables: readonly string[]): void {
    const rank = anyRank(this.mesh, variables.length > 0);
    if (rank === null) return;
    this.#written.clear();
    const names = variables.length > 0 ? variables.map((name) => `"${name}"`).join(', ') : `blocks of rank ${rank}`;
    throw new OptimizerError(
      'not-finite',
      `step: the mean gradient of ${names} holds NaN, infinity or squares beyond float32; nothing was changed.`,
      {
        variables,
        rank,
      },
    );
  }

  #mustNotBeExhausted({ refreshed, failures, exhausted }: ShardOutcome): void {
    const rank = anyRank(this.mesh, exhausted.length > 0);
    if (rank === null) return;
    const history = failures.map(({ block, reason }) => `${block}: ${reason}`).join('; ');
    throw new OptimizerError(
      'refresh-failed',
      `step: roots failed more often in a row than toleratedFailures allows. ${history || `On rank ${rank}.`}`,
      {
        failures,
        exhausted,
        refreshed,
        rank,
      },
    );
  }

  #mustBeBuilt(what: string): Built {
    if (this.#built === undefined) throw new OptimizerError('bad-state', `${what}: build() comes first, and dispose() last.`);
    return this.#built;
  }
}

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const passed = now - last;
    last = now;
    return passed;
  };
}
