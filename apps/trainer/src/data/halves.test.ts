import { describe, expect, test } from 'vitest';
import { halfOfTree, namesOfHalf } from './halves.ts';

const listing = (names: readonly string[], folders: readonly string[] = []) => ({
  images: names.map((name) => ({ name })),
  folders,
});
const half = (names: readonly string[], split: 'train' | 'test', folders: readonly string[] = []) =>
  halfOfTree(listing(names, folders), split).images.map(({ name }) => name);

describe('halfOfTree', () => {
  test.each(['', 'photos/', 'a/b/'])('takes one of two folders that are halves, below "%s"', (top) => {
    const names = ['train/cat/1.jpg', 'train/dog/2.jpg', 'val/cat/3.jpg', 'val/dog/4.jpg'].map((name) => top + name);
    expect(half(names, 'train')).toEqual(names.slice(0, 2));
    expect(half(names, 'test')).toEqual(names.slice(2));
  });

  test('keeps the folders of the half alone, empty classes among them', () => {
    const { folders } = halfOfTree(listing(['Train/cat/1.jpg'], ['Train', 'Train/dog', 'TEST', 'TEST/cow', 'Trainer']), 'train');
    expect([...folders]).toEqual(['Train', 'Train/dog', 'TEST', 'TEST/cow', 'Trainer']);
    const two = halfOfTree(listing(['Train/cat/1.jpg'], ['Train', 'Train/dog', 'TEST', 'TEST/cow']), 'train');
    expect([...two.folders]).toEqual(['Train', 'Train/dog']);
  });

  test('prefers what is called test to what is called val', () => {
    const names = ['train/a/1.jpg', 'val/a/2.jpg', 'test/a/3.jpg'];
    expect(half(names, 'test')).toEqual(['test/a/3.jpg']);
  });

  test.each([
    ['classes, one of which is a train', ['train/1.jpg', 'car/2.jpg']],
    ['classes, two of which are called as halves', ['train/1.jpg', 'test/2.jpg', 'car/3.jpg']],
    ['one half alone', ['train/cat/1.jpg', 'train/dog/2.jpg']],
    ['nothing', []],
  ])('leaves %s as it is', (_what, names) => {
    for (const split of ['train', 'test'] as const) expect(half(names, split)).toEqual(names);
  });
});

describe('namesOfHalf', () => {
  test('tells shards apart by a word in their names, where both words occur', () => {
    const names = ['in-train-0.tar', 'in-train-1.tar', 'in-validation-0.tar'];
    expect(namesOfHalf(names, 'train')).toEqual(names.slice(0, 2));
    expect(namesOfHalf(names, 'test')).toEqual(names.slice(2));
    for (const split of ['train', 'test'] as const) {
      expect(namesOfHalf(names.slice(0, 2), split)).toEqual(names.slice(0, 2));
      // `latest` and `strain` are other words.
      expect(namesOfHalf(['latest-0.tar', 'strain-0.tar'], split)).toHaveLength(2);
    }
  });
});
