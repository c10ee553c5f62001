import { describe, expect, test } from 'vitest';
import * as textures from './textures.ts';

const values = (texture: textures.Texture) => {
  const found: number[] = [];
  for (let x = -5; x < 5; x += 0.037) for (let y = -5; y < 5; y += 0.041) found.push(texture(x, y));
  return found;
};

describe.each(Object.entries(textures))('%s', (_, texture) => {
  test('is a share between 0 and 1, and shows both colours', () => {
    const found = values(texture);
    expect(found.every((share) => share >= 0 && share <= 1)).toBe(true);
    for (const low of [true, false]) {
      const shown = found.filter((share) => (low ? share < 0.2 : share > 0.8)).length / found.length;
      expect(shown).toBeGreaterThan(0.1);
    }
  });
});

test('no two patterns are alike', () => {
  const seen = Object.values(textures).map((texture) => JSON.stringify(values(texture).map((share) => Math.round(share))));
  expect(new Set(seen).size).toBe(seen.length);
});
