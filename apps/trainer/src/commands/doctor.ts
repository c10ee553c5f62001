import { doctor as examine, type Finding } from '@distributed-shampoo/tensor/node';
import pc from 'picocolors';
import { exitCode } from '../errors.ts';

const marks: Readonly<Record<Finding['state'], string>> = {
  ok: pc.green('ok'),
  warning: pc.yellow('warning'),
  missing: pc.red('missing'),
};

/** The command `doctor`: a line per thing that was looked at, and what to do about it. @returns 0 where a training run can start. */
export async function doctor(): Promise<number> {
  const findings = await examine();
  for (const { name, state, value, tried, advice } of findings) {
    console.log(`${marks[state]}  ${name}: ${value}`);
    for (const { place, outcome } of tried) console.log(`      looked at ${place}: ${outcome}`);
    if (advice !== undefined) console.log(`      to do: ${advice}`);
  }
  return findings.some(({ state }) => state === 'missing') ? exitCode.failed : exitCode.done;
}
