import { expect, test } from 'vitest';
import { startStepper } from './stepper.ts';

const script = (body: string) => ({ program: process.execPath, args: ['-e', body] });

test('a stepper is told each step and answers with its seconds', async () => {
  const stepper = await startStepper(
    script(
      `console.log('noise'); console.log('ready engine 1'); let n = 0; process.stdin.on('data', () => console.log(++n / 4));`,
    ),
  );
  expect(stepper.about).toBe('engine 1');
  expect([await stepper.step(), await stepper.step()]).toEqual([0.25, 0.5]);
  stepper.end();
});

test('a program that ends before it is ready is named with its last words', async () => {
  await expect(startStepper(script(`console.error('no torch here'); process.exit(1)`))).rejects.toThrow(/no torch here/);
  await expect(startStepper({ program: '/nowhere/python', args: [] })).rejects.toThrow(/\/nowhere\/python/);
});
