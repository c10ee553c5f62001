import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Handshake, type Identity, type Reaction } from './handshake.ts';

const identity = (rank: number, other: Partial<Identity> = {}): Identity => ({ rank, size: 4, runId: 'run', epoch: 0, ...other });
const sent = (reaction: Reaction): string => ('send' in reaction ? (reaction.send ?? '') : '');

/** Plays the whole exchange. @returns the last reaction of either side. */
function play(hub: Handshake, spoke: Handshake): { hub: Reaction; spoke: Reaction } {
  let toHub = spoke.hello();
  for (;;) {
    const atHub = hub.receive(toHub);
    const atSpoke = spoke.receive(sent(atHub));
    if (atSpoke.next !== 'go-on') return { hub: atHub, spoke: atSpoke };
    toHub = sent(atSpoke);
  }
}

const hubWith = (other: Partial<Identity> = {}, token = 'secret') =>
  new Handshake('hub', { identity: identity(0, other), token });
const spokeWith = (rank: number, other: Partial<Identity> = {}, token = 'secret') =>
  new Handshake('spoke', { identity: identity(rank, other), token });

describe('two sides that belong together', () => {
  test('get to know each other', () => {
    expect(play(hubWith(), spokeWith(3))).toMatchObject({ hub: { next: 'known', rank: 3 }, spoke: { next: 'known', rank: 0 } });
  });

  test('never send the token, and never the same proof twice', () => {
    const proofs = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const spoke = spokeWith(1);
      const hello = sent(hubWith().receive(spoke.hello()));
      const proof = sent(spoke.receive(hello));
      expect(hello + proof).not.toContain('secret');
      proofs.add(proof);
    }
    expect(proofs.size).toBe(20);
  });
});

describe('a side that does not belong', () => {
  test.each([
    ['another token', spokeWith(1, {}, 'guess'), 'unauthorized', false, /different COLLECTIVES_TOKENs/],
    ['another run', spokeWith(1, { runId: 'other' }), 'rendezvous', true, /TORCHELASTIC_RUN_ID/],
    ['an earlier start', spokeWith(1, { epoch: 1 }), 'rendezvous', true, /TORCHELASTIC_RESTART_COUNT/],
    ['another size', spokeWith(1, { size: 2 }), 'rendezvous', false, /WORLD_SIZE 2, rank 0 says 4/],
    ['a rank that does not exist', spokeWith(4), 'rendezvous', false, /RANK/],
    ['the same rank', spokeWith(0), 'rendezvous', false, /RANK/],
  ])('with %s is refused with the reason', (_what, spoke, code, again, reason) => {
    const { hub, spoke: told } = play(hubWith(), spoke);
    expect(hub).toMatchObject({ next: 'refuse', refusal: { code, again, reason: expect.stringMatching(reason) } });
    expect(told).toMatchObject({ next: 'refused', refusal: { code, again } });
  });

  test('that replays what another said is refused: its proof belongs to other numbers', () => {
    const hub = hubWith();
    const spoke = spokeWith(1);
    const hello = spoke.hello();
    const proof = sent(spoke.receive(sent(hub.receive(hello))));
    expect(hub.receive(proof).next).toBe('known');
    const later = hubWith();
    later.receive(hello);
    expect(later.receive(proof)).toMatchObject({ next: 'refuse', refusal: { code: 'unauthorized' } });
  });

  test('that throws our own proof back at us is refused: it names another role', () => {
    const first = spokeWith(1);
    const hub = hubWith();
    const proof = sent(first.receive(sent(hub.receive(first.hello()))));
    expect(first.receive(proof)).toMatchObject({ next: 'refuse', refusal: { code: 'unauthorized' } });
  });

  test('is turned away whatever it says, and nothing throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.json(), fc.constant('{"say":"proof","mac":"00"}')), { minLength: 1 }),
        (texts) => {
          const hub = hubWith();
          for (const text of texts) expect(['refuse', 'refused']).toContain(hub.receive(text).next);
        },
      ),
    );
  });

  test('a rank that is in already is refused, also when it came in between hello and proof', () => {
    let isIn = false;
    const hub = new Handshake('hub', {
      identity: identity(0),
      token: '',
      admits: () => (isIn ? 'rank 1 has joined already' : undefined),
    });
    const spoke = spokeWith(1, {}, '');
    const proof = sent(spoke.receive(sent(hub.receive(spoke.hello()))));
    isIn = true;
    expect(hub.receive(proof)).toMatchObject({ next: 'refuse', refusal: { reason: 'rank 1 has joined already' } });
  });
});
