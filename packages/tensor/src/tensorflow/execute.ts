import { type Attribute, attributeSetter } from './attributes.ts';
import type { Pointer } from './c-api.ts';
import type { TensorFlowContext } from './context.ts';

/** One operation to run. */
export interface Operation {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly inputs: readonly Pointer[];
  /** Room for results. */
  readonly outputs: number;
  readonly device?: string | undefined;
}

/** Runs an operation and returns the handles of its results, which the caller owns. */
export type Execute = (operation: Operation) => Pointer[];

/** @returns a function that runs operations; nothing of an operation outlives its call, whether it succeeds or throws. */
export function operationRunner({ api, status, context }: TensorFlowContext): Execute {
  const setAttribute = attributeSetter(api, status);
  const count = new Int32Array(1);
  let results = new BigInt64Array(32);
  return ({ name, attributes, inputs, outputs, device }) => {
    const operation = api.TFE_NewOp(context, name, status.pointer);
    status.check(name);
    try {
      if (device !== undefined) {
        api.TFE_OpSetDevice(operation, device, status.pointer);
        status.check(name);
      }
      for (const input of inputs) {
        api.TFE_OpAddInput(operation, input, status.pointer);
        status.check(name);
      }
      for (const attribute of attributes) setAttribute(operation, attribute, name);
      if (outputs > results.length) results = new BigInt64Array(outputs);
      count[0] = outputs;
      api.TFE_Execute(operation, results, count, status.pointer);
      status.check(name);
    } finally {
      api.TFE_DeleteOp(operation);
    }
    return Array.from(results.subarray(0, count[0]), Number);
  };
}
