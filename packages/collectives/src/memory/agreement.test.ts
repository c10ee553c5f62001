import { expect, test } from 'vitest';
import { attempts, type Offer } from './agreement.ts';

const offer = (other: Partial<Offer> = {}): Offer => ({
  host: 'here',
  kinds: ['overlay', 'view', 'file'],
  origins: ['memfd', 'tmpfs'],
  refused: [],
  ...other,
});

test('what all can do is tried best first: memory without a name before files', () => {
  expect(attempts([offer(), offer()]).map(({ kind, origin }) => `${kind} ${origin}`)).toEqual([
    'overlay memfd',
    'overlay tmpfs',
    'view memfd',
    'view tmpfs',
    'file tmpfs',
  ]);
});

test('one rank that can do less decides for all', () => {
  expect(attempts([offer(), offer({ kinds: ['file'], origins: ['tmpfs'] })])).toEqual([{ kind: 'file', origin: 'tmpfs' }]);
  expect(attempts([offer({ origins: ['tmpfs'] }), offer()])[0]).toEqual({ kind: 'overlay', origin: 'tmpfs' });
});

test('ranks of two hosts, and ranks with nothing in common, are told so', () => {
  expect(() => attempts([offer(), offer(), offer({ host: 'there' })])).toThrow(/rank 2 runs on another host/);
  const poor = offer({ kinds: [], refused: ['overlay: mmap was refused'] });
  expect(() => attempts([offer({ kinds: ['view'] }), poor])).toThrow(
    /rank 0 can use view; rank 1 can use nothing \(overlay: mmap was refused\)/,
  );
});
