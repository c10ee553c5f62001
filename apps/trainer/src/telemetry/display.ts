import { SingleBar } from 'cli-progress';
import pc from 'picocolors';
import type { Reporter, TrainEvent } from './events.ts';
import { describeStep, percent } from './lines.ts';

/** Shows a run to people: a bar where there is a terminal, plain lines elsewhere. Everything goes to standard error but the result. */
export function createDisplay(stream: NodeJS.WriteStream = process.stderr): Reporter {
  return stream.isTTY ? terminalDisplay(stream) : plainDisplay(stream);
}

function terminalDisplay(stream: NodeJS.WriteStream): Reporter {
  let bar: SingleBar | undefined;
  let shown: TrainEvent['type'] | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
    shown = undefined;
  };
  const draw = (type: TrainEvent['type'], total: number, value: number, text: string) => {
    if (shown !== type) {
      stop();
      bar = new SingleBar({
        format: '{bar} {percentage}% {text}',
        stream,
        hideCursor: true,
        barsize: 24,
        clearOnComplete: false,
      });
      bar.start(total, value, { text });
      shown = type;
    }
    bar?.update(value, { text });
  };
  const line = (text: string) => {
    stop();
    stream.write(`${text}\n`);
  };
  return {
    report(event) {
      switch (event.type) {
        case 'note':
          return line(event.text);
        case 'warning':
          return line(pc.yellow(`warning: ${event.text}`));
        case 'step':
          return draw('step', event.steps, event.step, describeStep(event));
        case 'evaluating':
          return draw('evaluating', event.of, event.images, `test images ${event.images}/${event.of}`);
        case 'evaluated':
          return line(pc.bold(`test accuracy ${percent(event.top1)} of ${event.images} images, loss ${event.loss.toFixed(3)}`));
        case 'done':
          return stop();
      }
    },
  };
}

/** Least time between two lines about steps, so that a log stays readable. */
const PLAIN_INTERVAL_MS = 5000;

function plainDisplay(stream: NodeJS.WriteStream): Reporter {
  let last = -Infinity;
  const line = (text: string) => void stream.write(`${text}\n`);
  return {
    report(event) {
      switch (event.type) {
        case 'note':
          return line(event.text);
        case 'warning':
          return line(`warning: ${event.text}`);
        case 'step': {
          const now = performance.now();
          if (now - last < PLAIN_INTERVAL_MS && event.step !== 1 && event.step !== event.steps) return;
          last = now;
          return line(`step ${event.step}/${event.steps}  ${describeStep(event)}`);
        }
        case 'evaluating': {
          const now = performance.now();
          if (now - last < PLAIN_INTERVAL_MS) return;
          last = now;
          return line(`evaluating: ${event.images}/${event.of} test images`);
        }
        case 'evaluated':
          return line(`test accuracy ${percent(event.top1)} of ${event.images} images, loss ${event.loss.toFixed(3)}`);
        case 'done':
          return;
      }
    },
  };
}
