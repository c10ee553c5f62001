import { type NamedTensorMap, Optimizer, type Scalar, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { OptimizerError } from './errors.ts';
import { type GpaAdamWGroup, type GpaAdamWInput, type GpaAdamWOptions, parseGpaAdamWOptions } from './gpa-adamw/options.ts';
import { nameState, readState } from './gpa-adamw/saved-state.ts';
import { freshCounters, type GpaCounters, type GpaScalars, nextGpaScalars } from './gpa-adamw/scalars.ts';
import { freeGpaState, type GpaState, gpaStateOf, initialGpaState, stepParameter, turnParameter } from './gpa-adamw/step.ts';
import { assignGroups } from './group-members.ts';
import { groupRate } from './group-rate.ts';
import type { NamedTensor } from './saved-entries.ts';
import { checkVariables, mustFit, registeredVariable } from './variables.ts';

/** A variable, its group, and its state once it had a gradient. */
interface Member {
  readonly variable: Variable;
  readonly group: number;
  state: GpaState | null;
}

/**
 * AdamW with primal averaging, a `tf.Optimizer` of its own: no factors, no blocks, plain TensorFlow.js operations on any backend. Adam moves
 * an iterate Z; gradients are taken at Y, between Z and the average X of its values, and X is what is evaluated. Y is what the variables
 * hold in training mode, X in evaluation mode; only Z is stored besides.
 *
 * One process alone, or many that apply the same averaged gradients. It starts in evaluation mode: call `train()` first.
 *
 * @see spec/optimizer.md, 8; Defazio et al., "The road less scheduled", arXiv 2405.15682, for schedule-free averaging.
 */
export class GpaAdamW extends Optimizer {
  static readonly className = 'GpaAdamW';
  readonly #options: GpaAdamWOptions;
  readonly #baseRate: number;
  #counters: readonly GpaCounters[];
  #learningRate: number;
  #mode: 'train' | 'eval' = 'eval';
  #members: ReadonlyMap<string, Member> | undefined;

  /** @throws {OptimizerError} `bad-option`. */
  constructor(options: GpaAdamWInput = {}) {
    super();
    this.#options = parseGpaAdamWOptions(options);
    this.#counters = this.#options.groups.map(freshCounters);
    this.#baseRate = this.#groupOptions(0).learningRate;
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

  /** Whether the variables hold what is trained or what is evaluated. */
  get mode(): 'train' | 'eval' {
    return this.#mode;
  }

  /**
   * Fixes the variables and their groups. A variable's state is made with its first gradient.
   *
   * @throws {OptimizerError} `bad-state` when built before, `bad-variable`, `bad-option` for a group that names what isn't there.
   */
  build(variables: readonly Variable[]): void {
    if (this.#members !== undefined)
      throw new OptimizerError('bad-state', 'build: the optimizer is built; make another for other variables.');
    checkVariables(variables);
    const groups = assignGroups(variables, this.#options.groups);
    this.#members = new Map(
      variables.map((variable, index) => [variable.name, { variable, group: groups[index] as number, state: null }]),
    );
  }

  /**
   * One step. A variable whose gradient is missing or null keeps its value and its state. Builds over the given variables where `build` was
   * not called before.
   *
   * @throws {OptimizerError} `bad-state` in evaluation mode, `bad-variable` for a gradient that fits no variable: nothing has changed.
   */
  override applyGradients(gradients: NamedTensorMap | { name: string; tensor: Tensor }[]): void {
    this.#mustTrain('applyGradients');
    const named = Array.isArray(gradients) ? gradients : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    if (this.#members === undefined) this.build(named.map(({ name }) => registeredVariable(name)));
    const present = named.flatMap(({ name, tensor }) => (tensor == null || tensor.size === 0 ? [] : [this.#pair(name, tensor)]));
    const scalars = this.#counters.map((counters, group) => this.#nextScalars(group, counters));
    for (const { member, gradient } of present) {
      const { variable: parameter, group } = member;
      member.state ??= initialGpaState(parameter);
      member.state.steps += 1;
      stepParameter({
        parameter,
        state: member.state,
        gradient,
        options: this.#groupOptions(group),
        scalars: scalars[group] as GpaScalars,
        count: this.#options.compatibility === 'reference' ? (this.#counters[group] as GpaCounters).step : member.state.steps,
      });
    }
    this.incrementIterations();
  }

  /** @throws {OptimizerError} `bad-state` in evaluation mode, before `f` is called; else as `applyGradients`. */
  override minimize(f: () => Scalar, returnCost = false, varList?: Variable[]): Scalar | null {
    this.#mustTrain('minimize');
    return super.minimize(f, returnCost, varList);
  }

  /** Turns the variables to what is trained, X to Y; nothing happens in training mode. */
  train(): void {
    this.#turnTo('train', (trainInterpolation) => 1 - trainInterpolation);
  }

  /** Turns the variables to what to evaluate and to save, Y to X; nothing happens in evaluation mode. */
  eval(): void {
    this.#turnTo('eval', (trainInterpolation) => 1 - 1 / trainInterpolation);
  }

  /**
   * What goes on from step to step but the variables themselves: save both together. The caller disposes of the tensors.
   *
   * @returns by name: `iter`, `mode` (1 in training mode), `groups.N/counters` `[3]`, and for each variable that had a gradient `NAME/z`,
   * `NAME/m`, `NAME/v` of its shape, and `NAME/steps`.
   * @throws {OptimizerError} `bad-state` before `build`.
   */
  override async getWeights(): Promise<NamedTensor[]> {
    const members = [...this.#mustBeBuilt('getWeights').values()];
    return nameState({
      iterations: this.iterations,
      mode: this.#mode,
      counters: this.#counters,
      states: new Map(members.flatMap(({ variable, state }) => (state === null ? [] : [[variable.name, state] as const]))),
    });
  }

  /**
   * Takes over what `getWeights` returned, mode included: the variables must have the values that were saved with it. The tensors stay the
   * caller's.
   *
   * @throws {OptimizerError} `bad-state` before `build`, `checkpoint-mismatch` for state of other variables or groups: nothing has changed.
   */
  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const members = this.#mustBeBuilt('setWeights');
    const shapes = new Map([...members].map(([name, { variable }]) => [name, variable.shape]));
    const saved = await readState(weights, { groups: this.#counters.length, shapes });
    this.iterations_ = saved.iterations;
    this.#mode = saved.mode;
    this.#counters = saved.counters;
    for (const [name, member] of members) {
      freeGpaState(member.state);
      const parts = saved.states.get(name);
      member.state = parts === undefined ? null : gpaStateOf(parts);
    }
  }

  /** The options as they were given. */
  override getConfig(): ReturnType<Optimizer['getConfig']> {
    return structuredClone(this.#options.input) as ReturnType<Optimizer['getConfig']>;
  }

  /** Frees what the optimizer holds. May be called twice. */
  override dispose(): void {
    for (const { state } of this.#members?.values() ?? []) freeGpaState(state);
    this.#members = undefined;
    super.dispose();
  }

  #turnTo(mode: 'train' | 'eval', coefficientOf: (trainInterpolation: number) => number): void {
    if (this.#mode === mode) return;
    for (const { variable, group, state } of this.#members?.values() ?? []) {
      if (state === null) continue;
      turnParameter(variable, state, coefficientOf(this.#groupOptions(group).iterateAveraging.trainInterpolation));
    }
    this.#mode = mode;
  }

  #pair(name: string, gradient: Tensor): { readonly member: Member; readonly gradient: Tensor } {
    const member = this.#mustBeBuilt('applyGradients').get(name);
    if (member === undefined)
      throw new OptimizerError('bad-variable', `applyGradients: "${name}" was not among the variables given to build().`, {
        name,
      });
    mustFit(gradient, member.variable);
    return { member, gradient };
  }

  #nextScalars(group: number, counters: GpaCounters): GpaScalars {
    const options = this.#groupOptions(group);
    const rate = groupRate({ own: options.learningRate, base: this.#baseRate, current: this.#learningRate });
    return nextGpaScalars(options, counters, rate);
  }

  #groupOptions(group: number): GpaAdamWGroup {
    return (this.#options.groups[group] as GpaAdamWOptions['groups'][number]).options;
  }

  #mustTrain(what: string): void {
    if (this.#mode === 'train') return;
    throw new OptimizerError('bad-state', `${what}: the optimizer is in evaluation mode, as it is when new; call train() first.`);
  }

  #mustBeBuilt(what: string): ReadonlyMap<string, Member> {
    if (this.#members === undefined) throw new OptimizerError('bad-state', `${what}: build() comes first, and dispose() last.`);
    return this.#members;
  }
}
