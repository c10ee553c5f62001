import { expect, test } from 'vitest';
import { Store } from './store.ts';

test('who waits gets the value, before or after it is set, once', () => {
  const store = new Store();
  const got: string[] = [];
  store.wait('a', (value) => got.push(`early ${value}`));
  store.set('a', '1');
  store.wait('a', (value) => got.push(`late ${value}`));
  store.set('a', '1');
  expect(got).toEqual(['early 1', 'late 1']);
});

test('a value stays as it is', () => {
  const store = new Store();
  store.set('a', '');
  expect(() => store.set('a', '2')).toThrow('already set');
});
