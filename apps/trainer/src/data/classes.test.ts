import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byCodeUnits, checkSameClasses, classesOf } from './classes.ts';

const folderName = fc.stringMatching(/^[a-z]{1,6}$/);
const code = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

describe('classesOf', () => {
  test('gives every file the label of the class folder it lies in, whatever folders lead there', () => {
    const classNames = fc.uniqueArray(folderName, { minLength: 2, maxLength: 6 });
    const leading = fc.array(folderName, { maxLength: 3 });
    fc.assert(
      fc.property(classNames, leading, fc.boolean(), (classes, above, nested) => {
        const files = classes.flatMap((name) =>
          [1, 2].map((i) => [...above, name, ...(nested ? ['deep'] : []), `${i}.jpg`].join('/')),
        );
        const { names, labels } = classesOf(files, [], 'here');
        expect(names).toEqual([...classes].sort(byCodeUnits));
        files.forEach((file, i) => {
          expect(file.split('/')[above.length]).toBe(names[labels[i]!]);
        });
      }),
    );
  });

  test('orders classes by code units: digits, capitals, small letters, the rest', () => {
    expect(classesOf(['b/1.jpg', 'Z/1.jpg', 'ä/1.jpg', '10/1.jpg', '9/1.jpg'], [], 'here').names).toEqual([
      '10',
      '9',
      'Z',
      'b',
      'ä',
    ]);
  });

  test('counts a folder without images as a class', () => {
    const { names, labels } = classesOf(['cat/1.jpg'], ['ant', 'cat'], 'here');
    expect(names).toEqual(['ant', 'cat']);
    expect([...labels]).toEqual([1]);
  });

  test('keeps a single class a class', () => {
    expect(classesOf(['cat/1.jpg', 'cat/2.jpg'], [], 'here').names).toEqual(['cat']);
    expect(classesOf(['train/cat/1.jpg'], [], 'here').names).toEqual(['cat']);
  });

  test('leaves out an image that lies beside the class folders or above them', () => {
    expect([...classesOf(['overview.jpg', 'cat/1.jpg', 'dog/1.jpg'], [], 'here').labels]).toEqual([-1, 0, 1]);
    expect([...classesOf(['cats.jpg', 'train/cat/1.jpg', 'train/dog/1.jpg'], [], 'here').labels]).toEqual([-1, 0, 1]);
  });

  test('says whether classes or images are missing', () => {
    expect(code(() => classesOf([], [], 'here'))).toBe('no-classes');
    expect(code(() => classesOf(['1.jpg', '2.jpg'], [], 'here'))).toBe('no-classes');
    expect(code(() => classesOf([], ['cat', 'dog'], 'here'))).toBe('no-images');
    expect(code(() => classesOf(['1.jpg'], ['cat', 'dog'], 'here'))).toBe('no-images');
  });
});

describe('checkSameClasses', () => {
  const train = { name: 'train', classes: ['ant', 'bee', 'cat'] };

  test('accepts the same classes', () => {
    expect(() => checkSameClasses(train, { ...train, name: 'test' })).not.toThrow();
  });

  test('names what is missing and what is unknown, in one line', () => {
    const check = () => checkSameClasses(train, { name: 'test', classes: ['ant', 'cow', 'dog'] });
    expect(code(check)).toBe('classes-differ');
    expect(check).toThrow(/^test: .*lacks bee, cat and has cow, dog, which train has not[^\n]*$/);
  });

  test('refuses another order, in which labels would mean other classes', () => {
    const check = () => checkSameClasses(train, { name: 'test', classes: ['ant', 'cat', 'bee'] });
    expect(code(check)).toBe('classes-differ');
    expect(check).toThrow(/another order: 1 is cat, not bee/);
  });

  test('shortens a long list', () => {
    const many = { name: 'many', classes: Array.from({ length: 30 }, (_, i) => `c${i}`) };
    expect(() => checkSameClasses(train, many)).toThrow(/c0, c1, c2, c3, c4 and 25 more/);
  });
});
