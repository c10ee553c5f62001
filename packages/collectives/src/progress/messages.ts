import type { Cause } from '../errors.ts';
import type { BoardHandle } from '../memory/medium.ts';
import type { Place } from '../rendezvous/environment.ts';

/** What the progress thread is started with. */
export interface ProgressData {
  readonly place: Place;
  readonly timeoutMs: number;
  readonly heartbeatMs: number;
}

/** From the main thread to the progress thread. */
export type Order =
  | { readonly do: 'set'; readonly key: string; readonly value: string }
  | { readonly do: 'wait'; readonly key: string }
  /** The memory is agreed on: watch over this board as soon as all ranks do. */
  | { readonly do: 'watch'; readonly board: BoardHandle }
  /** This rank has raised a cause on the board: wake the others. */
  | { readonly do: 'ring' }
  /** The start failed in the main thread. */
  | { readonly do: 'fail'; readonly cause: Cause }
  | { readonly do: 'close' };

/** From the progress thread to the main thread. */
export type Report =
  | { readonly is: 'joined' }
  | { readonly is: 'value'; readonly key: string; readonly value: string }
  /** All ranks watch. */
  | { readonly is: 'started' }
  /** The start failed, for this reason. */
  | { readonly is: 'failed'; readonly cause: Cause }
  | { readonly is: 'closed' };
