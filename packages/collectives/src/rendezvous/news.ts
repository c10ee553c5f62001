import { z } from 'zod';
import { causeText, parseCause } from '../cause.ts';
import type { Cause } from '../errors.ts';

/** What is told during the start: by rank 0, who has joined; by whoever finds out, that it failed. */
export type News =
  | { readonly say: 'roster'; readonly joined: readonly number[] }
  | { readonly say: 'failed'; readonly cause: Cause };

const schema = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('roster'), joined: z.array(z.number().int().min(0)) }),
  z.strictObject({ say: z.literal('failed'), cause: z.string() }),
]);

const MOST_CAUSE_BYTES = 1500; // as JSON within JSON it may double, and must fit into a hello message

/** News as the payload of a hello message. */
export const encodeNews = (news: News): string =>
  JSON.stringify(news.say === 'roster' ? news : { say: 'failed', cause: causeText(news.cause, MOST_CAUSE_BYTES) });

/** @returns undefined where the text is no news. */
export function decodeNews(text: string): News | undefined {
  try {
    const news = schema.parse(JSON.parse(text));
    if (news.say === 'roster') return news;
    const cause = parseCause(news.cause);
    return cause && { say: 'failed', cause };
  } catch {
    return undefined;
  }
}
