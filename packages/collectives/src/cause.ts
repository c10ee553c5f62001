import { z } from 'zod';
import type { Cause } from './errors.ts';

const schema = z.strictObject({
  code: z.enum([
    'peer-lost',
    'timeout',
    'mismatch',
    'aborted',
    'closed',
    'rendezvous',
    'unauthorized',
    'unsupported',
    'bad-argument',
  ]),
  message: z.string(),
  rank: z.number().optional(),
  operation: z.string().optional(),
  tag: z.number().optional(),
  seq: z.number().optional(),
  step: z.number().optional(),
  waitedMs: z.number().optional(),
  missingRanks: z.array(z.number()).optional(),
});

/** A cause as a text of at most `mostBytes`. The sentence is cut where it is too long, never the fields. */
export function causeText(cause: Cause, mostBytes: number): string {
  let { message } = cause;
  for (;;) {
    const text = JSON.stringify({ ...cause, message });
    if (Buffer.byteLength(text) <= mostBytes || message === '...') return text;
    message = `${message.slice(0, Math.max(0, Math.floor(message.length * 0.9) - 4))}...`;
  }
}

/** A cause as a peer wrote it. @returns undefined where it is not one. */
export function parseCause(text: string): Cause | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
