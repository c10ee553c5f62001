import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SHARE_BYTES, share } from './shares.ts';

test('shares are in order, leave nothing out, start on multiples of 128 bytes, and are equal but for the last', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 64 }), (length, size) => {
      const all = Array.from({ length: size }, (_, r) => share(length, r, size));
      expect(all[0]!.from).toBe(0);
      expect(all.at(-1)!.end).toBe(length);
      for (let r = 1; r < size; r++) expect(all[r]!.from).toBe(all[r - 1]!.end);
      for (const { from } of all) expect(from % SHARE_BYTES).toBe(0);
      for (const { from, end } of all.slice(1, -1)) expect(end - from).toBe(all[0]!.end);
      expect(all.at(-1)!.end - all.at(-1)!.from).toBeLessThan(all[0]!.end + size * SHARE_BYTES);
    }),
  );
});
