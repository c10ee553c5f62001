import { engine, type Tensor } from '@tensorflow/tfjs-core';

let spent: readonly Tensor[] = [];

/**
 * Frees what the previous gradient of a backward pass used, and takes note of what this one uses.
 *
 * TensorFlow.js keeps each activation, and the gradient of each, until a whole backward pass is over, so that its memory peaks at three times
 * the activations. But passes go backwards over the tape: once the gradient of one operation is there, nothing that follows looks at the
 * gradient of its output again, nor at what it saved for itself. Two things are left alone: tensors that were made outside of the pass, such as a
 * `dy` that the caller handed in; and everything in a pass within a pass, whose tape is used again.
 *
 * @param used the gradients that came in and the tensors saved; the operation's own closures run before the next call.
 */
export function releaseAfterUse(used: { readonly gradients: readonly Tensor[]; readonly saved: readonly Tensor[] }): void {
  for (const tensor of spent) tensor.dispose();
  const { activeScope, gradientDepth } = engine().state;
  const ours = used.gradients.filter(({ scopeId }) => scopeId === activeScope?.id);
  spent = gradientDepth === 0 ? [...ours, ...used.saved] : [];
}
