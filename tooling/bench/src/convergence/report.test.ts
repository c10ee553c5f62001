import { expect, test } from 'vitest';
import { chooseRates, convergenceRows, whereReached } from './report.ts';
import type { FinishedRun, TrainedRun } from './run.ts';

const at = (method: string, learningRate: number) => ({ method, learningRate, settings: '', finished: '' });
/** A test every 10 steps, 2 seconds a step. */
const trained = (method: string, learningRate: number, curve: readonly number[], secondsPerStep = 2): TrainedRun => ({
  ...at(method, learningRate),
  outcome: 'trained',
  evaluations: curve.map((top1, i) => ({ step: 10 * (i + 1), seconds: 10 * (i + 1) * secondsPerStep, top1, loss: 1 })),
  secondsPerStep,
  backend: 'cpu',
});
const diverged = (method: string, learningRate: number): FinishedRun => ({
  ...at(method, learningRate),
  outcome: 'diverged',
  reason: 'NaN',
});

test('the best learning rate at the end is chosen, of equals the lowest, and none that diverged', () => {
  const [low, high] = [trained('sgd', 0.1, [0.9, 0.5]), trained('sgd', 0.2, [0.1, 0.5])];
  const runs = [trained('soap', 1, [0.2]), high, low, trained('sgd', 0.05, [0.8, 0.4]), diverged('soap', 2), diverged('kl', 1)];
  expect([...chooseRates(runs)]).toEqual([
    ['soap', runs[0]],
    ['sgd', low],
  ]);
});

test('a curve reaches an accuracy where its line crosses it', () => {
  const { evaluations } = trained('sgd', 1, [0.25, 0.5, 0.25, 0.75]);
  expect(whereReached(evaluations, 0.375, 'step')).toBe(15);
  expect(whereReached(evaluations, 0.375, 'seconds')).toBe(30);
  expect(whereReached(evaluations, 0.5, 'step')).toBe(20);
  expect(whereReached(evaluations, 0.625, 'step')).toBe(37.5);
  expect(whereReached(evaluations, 0.1, 'step')).toBe(10);
  expect(whereReached(evaluations, 0.8, 'step')).toBe(undefined);
});

test('each method stands beside the baseline, and above 1 is better whatever the unit', () => {
  const chosen = chooseRates([trained('adamw', 0.01, [0.25, 0.5]), trained('soap', 0.02, [0.5, 0.75], 4)]);
  const rows = convergenceRows(chosen).filter(({ peer }) => peer !== null);
  expect(rows.map(({ name, unit, value, peerValue, ratio }) => [name, unit, value, peerValue, ratio])).toEqual([
    ['soap at 0.02: test accuracy', '%', 75, 50, 1.5],
    ['soap: until 50.0 %', 'steps', 10, 20, 2],
    ['soap: until 50.0 %', 's', 40, 40, 1],
    ['soap: a step', 's', 4, 2, 0.5],
  ]);
});

test('what is never reached has no row, and without the baseline there is nothing to stand beside', () => {
  const [adamw, sgd] = [trained('adamw', 0.01, [0.25, 0.5]), trained('sgd', 0.1, [0.125, 0.25])];
  const names = (runs: FinishedRun[]) => convergenceRows(chooseRates(runs)).map(({ name, peer }) => [name, peer]);
  expect(names([adamw, sgd]).slice(-2)).toEqual([
    ['sgd at 0.1: test accuracy', 'adamw'],
    ['sgd: a step', 'adamw'],
  ]);
  expect(names([sgd])).toEqual([
    ['sgd at 0.1: test accuracy', null],
    ['sgd: a step', null],
  ]);
  expect(convergenceRows(new Map())).toEqual([]);
});
