import { TensorError } from '../errors.ts';
import type { Pointer } from './c-api.ts';

/**
 * Tensors that JavaScript holds, by number. Numbers are never given twice, so one that was freed is an error where the
 * pointer itself, which TensorFlow soon uses again, would be another tensor.
 */
export interface Handles {
  readonly size: number;
  add(handle: Pointer): number;
  /** @throws {TensorError} `unknown-tensor`. */
  get(id: number, operation: string): Pointer;
  /** Forgets a handle and returns it, for the caller to free. @throws {TensorError} `unknown-tensor`. */
  take(id: number, operation: string): Pointer;
}

/** @returns an empty table. */
export function newHandles(): Handles {
  const handles = new Map<number, Pointer>();
  let next = 0;
  const get = (id: number, operation: string) => {
    const handle = handles.get(id);
    if (handle === undefined) {
      throw new TensorError('unknown-tensor', `${operation}: there is no tensor ${id}; it was disposed, or never made.`, {
        operation,
        id,
      });
    }
    return handle;
  };
  return {
    get size() {
      return handles.size;
    },
    add(handle) {
      handles.set(next, handle);
      return next++;
    },
    get,
    take(id, operation) {
      const handle = get(id, operation);
      handles.delete(id);
      return handle;
    },
  };
}
