import type { Call } from '../call.ts';
import { copyElements } from '../elements.ts';
import { type Cause, errorFor } from '../errors.ts';
import type { GroupSizes } from '../memory/layout.ts';
import { checkedLayout, type GroupMemory, groupMemory, privateMemory } from '../memory/registered.ts';
import type { Transport } from './transport.ts';

/** A group of one: no thread, no socket, no file. A sum over one rank is its own input, and a copy is all that is left to do. */
export class SingleTransport implements Transport {
  readonly capabilities = { transport: 'single', memory: 'private', zeroCopy: true, futex: false, simd: false } as const;
  #cause: Cause | undefined;

  run(call: Call): void {
    this.throwIfAborted();
    if (call.input !== undefined && call.output !== undefined) copyElements(call.output, call.input);
  }

  allocate(_call: Call, sizes: GroupSizes): GroupMemory {
    this.throwIfAborted();
    const layout = checkedLayout(1, sizes);
    return groupMemory(privateMemory(layout), layout, true);
  }

  throwIfAborted(): void {
    if (this.#cause !== undefined) throw errorFor(this.#cause);
  }

  abort(reason: string, step: number): void {
    this.#cause ??= { code: 'aborted', rank: 0, step, message: `rank 0 aborted the group: ${reason}` };
  }

  async close(): Promise<void> {}
}
