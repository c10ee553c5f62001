import { writeFileSync } from 'node:fs';
import pc from 'picocolors';

/** One measured number, beside a peer's where there is one. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** How many times better than the peer: above 1 is better, whatever the unit. */
  readonly ratio: number | null;
  readonly target: string | null;
  readonly met: boolean | null;
}

/** A number of ours alone. */
export const row = (name: string, value: number, unit: string): Row => ({
  name,
  value,
  unit,
  peer: null,
  peerValue: null,
  ratio: null,
  target: null,
  met: null,
});

/** A rate, where more is better, beside a peer's. @param least the ratio to reach. */
export const rateBeside = (one: Row, peer: string, peerValue: number, least: number): Row => {
  const ratio = one.value / peerValue;
  return { ...one, peer, peerValue, ratio, target: `at least ${least} of ${peer}`, met: ratio >= least };
};

/** A time, where less is better, beside a peer's. @param least how many times faster it is to be; null for no target. */
export const timeBeside = (one: Row, peer: string, peerValue: number, least: number | null): Row => {
  const ratio = peerValue / one.value;
  const target = least === null ? null : `at most ${(1 / least).toFixed(2)} of ${peer}`;
  return { ...one, peer, peerValue, ratio, target, met: least === null ? null : ratio >= least };
};

/** A number that is to reach something by itself. @param least null for no target. */
export const atLeast = (one: Row, least: number | null): Row =>
  least === null ? one : { ...one, target: `at least ${least}`, met: one.value >= least };

/** A number that is to stay below something by itself. */
export const atMost = (one: Row, most: number): Row => ({ ...one, target: `at most ${most}`, met: one.value <= most });

/** Prints rows as a table, and writes them as JSON where a file is named. */
export function publish(rows: readonly Row[], jsonFile: string | undefined): void {
  const cells = rows.map(({ name, value, unit, peer, peerValue, ratio, met }) => [
    name,
    `${round(value)} ${unit}`,
    peer === null || peerValue === null ? '' : `${peer} ${round(peerValue)}`,
    ratio === null ? '' : `${ratio.toFixed(2)} x`,
    met === null ? '' : met ? pc.green('met') : pc.red('missed'),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((line) => (line[column] as string).length)));
  for (const line of cells)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
}

const round = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
