import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Attempt, Party } from './agreement.ts';
import { openFile } from './file.ts';
import { controlLayout, stagingLayout } from './layout.ts';
import type { Medium } from './medium.ts';
import { openOverlay } from './overlay.ts';
import { createMemfd, createTmpfs, openShared, type SharedFile, tmpfsPath } from './shared-file.ts';
import { openView } from './view.ts';

/** One attempt to share memory, and the prefix under which its members tell each other how it goes. */
interface Round {
  readonly attempt: Attempt;
  readonly key: string;
}

/**
 * Rank 0's part: makes the region, writes a number into it, and looks for the numbers with which the others answer in it.
 *
 * @returns the region, or why it cannot be used.
 * @throws {CollectivesError} where the group fails meanwhile.
 */
export async function makeRegion(party: Party, { attempt, key }: Round): Promise<Medium | string> {
  const { exchange } = party;
  const name = attempt.origin === 'tmpfs' ? tmpfsPath() : '';
  exchange.set(`${key}/name`, name); // before the file exists: if this process dies, the others remove it
  try {
    const medium = attemptTo(() => open(attempt, create(attempt, { name, party }), party));
    if (typeof medium === 'string') {
      exchange.set(`${key}/region`, '');
      exchange.set(`${key}/verdict`, `rank 0: ${medium}`);
      return `rank 0: ${medium}`;
    }
    return await closedUnless(medium, async () => {
      const refusal = await question(medium, party, key);
      exchange.set(`${key}/verdict`, refusal ?? 'ok');
      return refusal;
    });
  } finally {
    if (name !== '') rmSync(name, { force: true }); // everybody has it open, or nobody needs it
  }
}

/** Asks every other rank whether it sees the same memory. @returns the first objection. */
async function question(medium: Medium, { size, exchange }: Party, key: string): Promise<string | undefined> {
  const { nonce, note } = controlLayout(size);
  const number = randomInt(size, 2 ** 31);
  medium.board.poke(nonce, number);
  exchange.set(`${key}/region`, `${number} ${medium.path}`);
  const answers = await Promise.all(Array.from({ length: size - 1 }, (_, i) => exchange.wait(`${key}/answer/${i + 1}`)));
  for (const [i, answer] of answers.entries()) {
    const rank = i + 1;
    if (answer !== 'ok') return `rank ${rank}: ${answer}`;
    if (medium.board.peek(note(rank)) !== number - rank) return `rank 0 does not see what rank ${rank} writes`;
  }
  return undefined;
}

/** The part of every other rank. @returns and throws as `makeRegion`. */
export async function joinRegion(party: Party, { attempt, key }: Round): Promise<Medium | string> {
  const { exchange } = party;
  const name = await exchange.wait(`${key}/name`);
  try {
    const region = await exchange.wait(`${key}/region`);
    if (region === '') return await exchange.wait(`${key}/verdict`);
    const space = region.indexOf(' ');
    const medium = attemptTo(() => open(attempt, openShared(region.slice(space + 1)), party));
    if (typeof medium === 'string') {
      exchange.set(`${key}/answer/${party.rank}`, medium);
      return await exchange.wait(`${key}/verdict`);
    }
    return await closedUnless(medium, async () => {
      exchange.set(`${key}/answer/${party.rank}`, answer(medium, party, Number(region.slice(0, space))));
      const verdict = await exchange.wait(`${key}/verdict`);
      return verdict === 'ok' ? undefined : verdict;
    });
  } catch (error) {
    if (name !== '') rmSync(name, { force: true });
    throw error;
  }
}

/** Looks for rank 0's number and leaves one in reply. */
function answer({ board }: Medium, { rank, size }: Party, expected: number): string {
  const { nonce, note } = controlLayout(size);
  if (board.peek(nonce) !== expected) return 'it opened the region, but does not see what rank 0 writes';
  board.poke(note(rank), expected - rank);
  return 'ok';
}

function create({ origin }: Attempt, { name, party }: { name: string; party: Party }): SharedFile {
  const lengthBytes = stagingLayout(party.size).totalBytes;
  return origin === 'memfd' ? createMemfd(lengthBytes, party.native!) : createTmpfs(name, lengthBytes, party.native);
}

/** Opens the region as a medium, which owns the file from then on. */
function open({ kind }: Attempt, file: SharedFile, { native, rank, size }: Party): Medium {
  try {
    if (kind === 'file') return openFile({ file, rank, size });
    return kind === 'overlay' ? openOverlay(native!, { file, rank, size }) : openView(native!, { file, rank, size });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The value, or the message of what was thrown. */
function attemptTo<T>(make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The medium where `objection` finds none; else it is closed. */
async function closedUnless(medium: Medium, objection: () => Promise<string | undefined>): Promise<Medium | string> {
  let refusal: string | undefined = 'the group failed';
  try {
    refusal = await objection();
    return refusal ?? medium;
  } finally {
    if (refusal !== undefined) medium.close();
  }
}
