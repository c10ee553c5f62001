import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startRanks } from '../src/testing/index.ts';

const example = new URL('../examples/mean-gradient.ts', import.meta.url);

test('the README shows the example as it is', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(example, 'utf8')}\`\`\``);
});

test.each([1, 3])('the example runs on %i ranks', async (size) => {
  const outcomes = await (await startRanks({ script: example, size, limitMs: 30_000 })).outcomes();
  const mean = (size + 1) / 2;
  const shown = Math.fround(-0.1 * mean);
  for (const { rank, code, output } of outcomes) {
    expect(code, output).toBe(0);
    expect(output).toBe(`rank ${rank} of ${size}: ${shown} ${shown}\n`);
  }
});
