import type { Cause } from '../errors.ts';
import type { BoardHandle } from '../memory/medium.ts';
import type { WireCall } from '../mesh/wire-call.ts';
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
  /** Connect every two ranks, and serve on this address; then watch over this desk. */
  | { readonly do: 'weave'; readonly desk: SharedArrayBuffer; readonly host: string | undefined }
  /** Make a call over these connections. */
  | { readonly do: 'call'; readonly call: WireCall }
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
  /** A call is done that was to be notified. */
  | { readonly is: 'done'; readonly seq: number }
  /** The group has failed; the cause is on the board, or the desk. */
  | { readonly is: 'raised' }
  /** The start failed, for this reason. */
  | { readonly is: 'failed'; readonly cause: Cause }
  | { readonly is: 'closed' };
