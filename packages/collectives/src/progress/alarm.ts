import type { Board } from '../memory/board.ts';

/** Where the progress thread raises failures, and what it reads there: a board that all ranks of a host see, or this rank's own desk. */
export type Alarm = Pick<Board, 'raise' | 'aborted' | 'cause' | 'wake' | 'sign' | 'struckOut' | 'lastCall'>;
