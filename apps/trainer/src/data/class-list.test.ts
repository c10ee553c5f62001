import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../test/data/image-tree.ts';
import { classesOfMarks, classList } from './class-list.ts';

const where = { where: 'here', nameOf: (i: number) => `image ${i}` };
const marked = (marks: readonly (string | readonly [mark: string, name: string])[], list?: readonly string[]) => {
  const { classes, labels } = classesOfMarks(
    marks.map((one) => (typeof one === 'string' ? { mark: one, name: undefined } : { mark: one[0], name: one[1] })),
    list,
    where,
  );
  return [classes, [...labels]];
};

describe('classesOfMarks', () => {
  test('numbers are places in the list, names are of it, and a number that is a name is one where there is no such place', () => {
    expect(marked(['1', 'cat', '0'], ['cat', 'dog'])).toEqual([
      ['cat', 'dog'],
      [1, 0, 0],
    ]);
    expect(marked(['20', '01', '10'], ['10', '20'])).toEqual([
      ['10', '20'],
      [1, 1, 0],
    ]);
  });

  test('without a list numbers count from 0, under the names beside them; names are in code-unit order', () => {
    expect(marked(['2', '0'])).toEqual([
      ['0', '1', '2'],
      [2, 0],
    ]);
    expect(marked([['2', 'dog'], '0', ['2', 'dog']])).toEqual([
      ['0', '1', 'dog'],
      [2, 0, 2],
    ]);
    expect(marked(['dog', 'Cat', 'dog', '7'])).toEqual([
      ['7', 'Cat', 'dog'],
      [2, 1, 2, 0],
    ]);
    expect(
      marked([
        ['0', 'crane'],
        ['1', 'owl'],
        ['2', 'crane'],
      ]),
    ).toEqual([
      ['crane 0', 'owl', 'crane 2'],
      [0, 1, 2],
    ]);
  });

  test.each([
    [['0', '2'], ['cat', 'dog'], /image 1 is of class "2".* 2 names/],
    [['cow'], ['cat', 'dog'], /image 0 is of class "cow"/],
    [['1', '4000000000'], undefined, /"4000000000".*too large/],
    [
      [
        ['1', 'cat'],
        ['1', 'dog'],
      ] as const,
      undefined,
      /named "dog" here and "cat"/,
    ],
  ] as const)('%j with the list %j is refused', (marks, list, message) => {
    expect(() => marked(marks, list)).toThrow(
      expect.objectContaining({ code: 'no-classes', message: expect.stringMatching(message) }),
    );
  });
});

describe('classList', () => {
  test.each([
    ['classes.txt', ' cat \r\n\r\ndog\n', ['cat', 'dog']],
    ['classes.json', '["cat", "dog"]', ['cat', 'dog']],
    ['classes.json', '{"1": "dog", "0": "cat"}', ['cat', 'dog']],
    ['classes.json', '{"dog": 1, "cat": 0}', ['cat', 'dog']],
    ['classes.txt', 'crane\nowl\ncrane\n', ['crane 0', 'owl', 'crane 2']],
  ])('reads %s: %j', async (file, text, expected) => {
    const folder = await temporaryFolder();
    expect(await classList(folder)).toBeUndefined();
    await writeFile(join(folder, file), text);
    expect(await classList(folder)).toEqual(expected);
  });

  test.each([
    ['classes.txt', '\n'],
    ['classes.json', '[]'],
    ['classes.json', '{"a": 1, "b": 2}'],
    ['classes.json', '{"a": 0, "b": 0}'],
    ['classes.json', '[1, 2]'],
    ['classes.json', 'cat'],
  ])('refuses %s: %j', async (file, text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, file), text);
    await expect(classList(folder)).rejects.toMatchObject({ code: 'no-classes', message: expect.stringContaining(file) });
  });
});
