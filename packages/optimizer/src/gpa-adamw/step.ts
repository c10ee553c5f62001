import {
  add,
  dispose,
  div,
  mul,
  sqrt,
  square,
  sub,
  type Tensor,
  tidy,
  type Variable,
  variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { GpaAdamWGroup } from './options.ts';
import type { GpaScalars } from './scalars.ts';

/** What a parameter carries from step to step, tensors of its own shape. */
export interface GpaState {
  /** Z, the iterate that Adam moves. */
  readonly z: Variable;
  /** Moving average of the gradient. */
  readonly m: Variable;
  /** Moving average of the squared gradient. */
  readonly v: Variable;
  /** Gradients taken in. */
  steps: number;
}

/** The state of a parameter before its first gradient: Z is the parameter itself, averages are 0. */
export function initialGpaState(parameter: Variable): GpaState {
  const zeros = zerosLike(parameter);
  const state = gpaStateOf({ z: parameter, m: zeros, v: zeros, steps: 0 });
  zeros.dispose();
  return state;
}

/** State with the given values. They share memory with it until a step assigns new ones; their tensors stay the caller's. */
export const gpaStateOf = ({ z, m, v, steps }: { readonly [part in 'z' | 'm' | 'v']: Tensor } & { steps: number }): GpaState => ({
  z: variable(z, false),
  m: variable(m, false),
  v: variable(v, false),
  steps,
});

/** Frees a parameter's state, where it has any. */
export function freeGpaState(state: GpaState | null): void {
  if (state !== null) dispose([state.z, state.m, state.v]);
}

/** What a step of one parameter works with. */
export interface GpaStepInputs {
  readonly parameter: Variable;
  readonly state: GpaState;
  readonly gradient: Tensor;
  readonly options: GpaAdamWGroup;
  readonly scalars: GpaScalars;
  /** k of the bias corrections: gradients so far, this one included. */
  readonly count: number;
}

/**
 * One step of a parameter Y. With the learning rate r, the averages' coefficients b1 and b2, y the interpolation for training:
 *
 *     m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
 *     u  = (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + epsilon)
 *     Z <- (1 - r weightDecay) Z                                  or Y, as `weightDecayOn` says
 *     Y <- (1 - c) Y + c Z + r (y (1 - c) - 1) u
 *     Z <- Z - r u
 *
 * so that Y stays y X + (1 - y) Z of the average X, which is not stored.
 *
 * @see spec/optimizer.md, 8.
 */
export function stepParameter({ parameter, state, gradient, options, scalars, count }: GpaStepInputs): void {
  const { betas, epsilon, weightDecay, weightDecayOn, iterateAveraging } = options;
  const { learningRate, averageWeight } = scalars;
  const { z, m, v } = state;
  const [beta1, beta2] = betas;
  tidy(() => {
    m.assign(lerp(m, gradient, 1 - beta1));
    v.assign(add(mul(v, beta2), mul(square(gradient), 1 - beta2)));
    const u = div(div(m, 1 - beta1 ** count), add(sqrt(div(v, 1 - beta2 ** count)), epsilon));
    const decayed = (name: 'z' | 'y', value: Tensor) =>
      weightDecay !== 0 && weightDecayOn === name ? mul(value, 1 - learningRate * weightDecay) : value;
    const iterate = decayed('z', z);
    const averaged = lerp(decayed('y', parameter), iterate, averageWeight);
    parameter.assign(add(averaged, mul(u, learningRate * (iterateAveraging.trainInterpolation * (1 - averageWeight) - 1))));
    z.assign(sub(iterate, mul(u, learningRate)));
  });
}

/** Turns a parameter between its values for training and for evaluation: `Y <- Y + coefficient (Z - Y)`. */
export function turnParameter(parameter: Variable, { z }: GpaState, coefficient: number): void {
  tidy(() => parameter.assign(lerp(parameter, z, coefficient)));
}

/** `(1 - weight) a + weight b`, exact at the end that is nearer. */
function lerp(a: Tensor, b: Tensor, weight: number): Tensor {
  const difference = sub(b, a);
  return weight < 0.5 ? add(a, mul(difference, weight)) : sub(b, mul(difference, 1 - weight));
}
