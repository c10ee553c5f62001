/** What went wrong, as a stable word: the part of an error that programs may test. */
export type CollectivesErrorCode =
  | 'peer-lost' // a rank's process ended without close(), or stands still
  | 'timeout' // a rank lives but did not come to the call in time
  | 'mismatch' // ranks are in different calls
  | 'aborted' // some rank called abort()
  | 'closed' // this rank, or one it waits for, has closed the group
  | 'rendezvous' // the ranks did not find each other
  | 'unauthorized' // another token, or an address that needs one
  | 'unsupported' // not on this machine, or not for this dtype
  | 'bad-argument'; // misuse on this rank, found before anything was sent

/** Where and to whom it happened, as far as it is known. */
export interface ErrorFields {
  /** The rank at fault. */
  readonly rank?: number;
  readonly operation?: string;
  readonly tag?: number;
  /** Number of the call within the group, from 1. */
  readonly seq?: number;
  /** `group.step` of the call. */
  readonly step?: number;
  readonly waitedMs?: number;
  /** Every rank that was waited for. */
  readonly missingRanks?: readonly number[];
}

/** The first cause of a failed group: a plain value, so that it can be written where every rank reads it. */
export interface Cause extends ErrorFields {
  readonly code: CollectivesErrorCode;
  readonly message: string;
}

/** The call in whose midst a rank is. */
export interface CallPlace {
  readonly rank: number;
  readonly operation: string;
  readonly seq: number;
  readonly step: number;
}

/**
 * Every error of this package. After `peer-lost`, `timeout`, `mismatch`, `aborted` and `closed` the group is unusable on all
 * ranks: close it and connect again with a higher TORCHELASTIC_RESTART_COUNT. After the other codes nothing was sent.
 */
export class CollectivesError extends Error {
  override readonly name = 'CollectivesError';
  readonly code: CollectivesErrorCode;
  declare readonly rank?: number;
  declare readonly operation?: string;
  declare readonly tag?: number;
  declare readonly seq?: number;
  declare readonly step?: number;
  declare readonly waitedMs?: number;
  declare readonly missingRanks?: readonly number[];

  constructor(code: CollectivesErrorCode, message: string, fields: ErrorFields = {}) {
    super(message);
    this.code = code;
    Object.assign(this, fields);
  }
}

/**
 * The error of one rank for the group's first cause. Inside a call, operation, seq and step are those of that call; between
 * calls they are the cause's own (the last call of the rank at fault).
 */
export function errorFor(cause: Cause, at?: CallPlace): CollectivesError {
  const { code, message, ...fields } = cause;
  if (at === undefined) return new CollectivesError(code, message, fields);
  const { rank, operation, seq, step } = at;
  return new CollectivesError(code, `${operation} (call ${seq}, step ${step}, on rank ${rank}): ${message}`, {
    tag: 0,
    ...fields,
    operation,
    seq,
    step,
  });
}

/** The cause that an error of any kind stands for; one that is not ours becomes `aborted`. */
export function causeOf(error: unknown): Cause {
  if (error instanceof CollectivesError) {
    // The fields are the error's own properties, as far as they are known; name and stack stay behind.
    const { name: _, ...fields } = error;
    return { ...fields, code: error.code, message: error.message };
  }
  return { code: 'aborted', message: error instanceof Error ? error.message : String(error) };
}
