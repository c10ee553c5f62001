import type { TrainEvent } from './events.ts';

/** `1 h 02 min`, `3 min 05 s`, `12 s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole} s`;
}

/** `63.2 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Loss, accuracy, speed and time left of a step. */
export function describeStep({ loss, accuracy, imagesPerSecond, secondsLeft }: Extract<TrainEvent, { type: 'step' }>): string {
  return `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${imagesPerSecond.toFixed(1)} images/s  ${duration(secondsLeft)} left`;
}
