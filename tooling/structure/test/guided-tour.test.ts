import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

/** Lines of the guided tour: `[`symbol`](path)`. */
const stops = [...readme.matchAll(/\[`(\w+)`\]\(([^)]+\.ts)\)/g)].map(([, symbol, path]) => ({
  symbol: symbol as string,
  path: path as string,
}));

test('the README has a guided tour', () => {
  expect(stops.length).toBeGreaterThan(10);
});

test.each(stops)('$path exports $symbol', ({ symbol, path }) => {
  const file = new URL(path, root);
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toMatch(
    new RegExp(`export (default )?(abstract )?(async )?(function|class|const|interface|type) ${symbol}\\b`),
  );
});

test('every link to a file of the repository leads somewhere', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path]) => path as string);
  expect(links.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});
