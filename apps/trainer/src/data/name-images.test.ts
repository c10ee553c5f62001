import { expect, test } from 'vitest';
import { nameImages } from './name-images.ts';

test('nameImages names ten and counts all', () => {
  const images = Array.from({ length: 12 }, (_, i) => ({ name: `${i}.jpg`, reason: 'lost' }));
  const line = ({ name, reason }: { name: string; reason: string }) => `${name}: ${reason}`;
  expect(nameImages(images.slice(0, 10), line)).toEqual(images.slice(0, 10).map(line));
  expect(nameImages(images, line)).toEqual([...images.slice(0, 10).map(line), 'and 2 more like it, 12 in all']);
  expect(nameImages([], line)).toEqual([]);
});
