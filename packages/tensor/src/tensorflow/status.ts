import { TensorError } from '../errors.ts';
import type { Pointer, TensorFlowApi } from './c-api.ts';

/** What TensorFlow writes the outcome of a call to; one for all calls of a process, as they are made one after the other. */
export interface Status {
  readonly pointer: Pointer;
  /** @throws {TensorError} `tensorflow-error`, which names `operation`, when the last call failed. */
  check(operation: string): void;
}

/** @returns a status that lives as long as the process. */
export function newStatus(api: TensorFlowApi): Status {
  const pointer = api.TF_NewStatus();
  return {
    pointer,
    check(operation) {
      const code = api.TF_GetCode(pointer);
      if (code === 0) return;
      const message = api.TF_Message(pointer);
      // Some functions write here only when they fail, and would be blamed for what failed before.
      api.TF_SetStatus(pointer, 0, '');
      throw tensorflowError(operation, code, message);
    },
  };
}

/** The error that belongs to a status, in one line, and without the name of the wrapper function that TensorFlow puts before its sentence. */
export function tensorflowError(operation: string, code: number, message: string): TensorError {
  const sentence = message
    .replace(/^\{\{function_node [^}]*\}\}\s*/, '')
    .replace(/\s*\[Op:\w+\](?: name:)?\s*$/, '')
    .replace(/\s*\n\s*/g, ' ');
  return new TensorError('tensorflow-error', `TensorFlow's ${operation}: ${sentence}`, { operation, tensorflowCode: code });
}
