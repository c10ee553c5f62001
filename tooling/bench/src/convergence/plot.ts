import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Chosen } from './report.ts';
import type { FinishedRun } from './run.ts';

/**
 * Accuracy on the test images against steps and against seconds of training, as SVG: of each method the chosen learning rate as a line,
 * the others faintly behind it.
 */
export function plotConvergence(runs: readonly FinishedRun[], chosen: Chosen): Promise<string> {
  const values = runs.flatMap((run) =>
    run.outcome === 'diverged'
      ? []
      : run.evaluations.map(({ step, seconds, top1 }) => ({
          method: run.method,
          rate: run.learningRate,
          chosen: chosen.get(run.method) === run,
          step,
          seconds,
          top1,
        })),
  );
  const { spec } = compile({ ...figure([...new Set(runs.map(({ method }) => method))]), data: { values } } as TopLevelSpec);
  return new View(parse(spec), { renderer: 'none' }).toSVG();
}

const WIDTH = 380;
const HEIGHT = 320;

const figure = (methods: readonly string[]) => ({
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  config: { font: 'sans-serif' },
  hconcat: [panel('step', 'step', methods), panel('seconds', 'seconds of training', methods)],
});

const panel = (field: 'step' | 'seconds', title: string, methods: readonly string[]) => ({
  width: WIDTH,
  height: HEIGHT,
  encoding: {
    x: { field, type: 'quantitative', title, scale: { zero: true } },
    y: { field: 'top1', type: 'quantitative', title: 'test accuracy', axis: { format: '.0%' }, scale: { zero: false } },
    color: { field: 'method', type: 'nominal', sort: methods, title: null, legend: { symbolOpacity: 1 } },
    detail: { field: 'rate' },
  },
  layer: [
    { transform: [{ filter: '!datum.chosen' }], mark: { type: 'line', opacity: 0.25, strokeWidth: 1 } },
    { transform: [{ filter: 'datum.chosen' }], mark: { type: 'line', strokeWidth: 2, point: { size: 20 } } },
  ],
});
