import { add, divide, element, type Kernel, multiply, scalar, squareRoot, subtract } from './language.ts';

const y = element('y');
const x = element('x');
const v = element('v');
const a = element('a');
const b = element('b');
const difference = subtract(b, a);
const quotient = divide(x, add(squareRoot(divide(v, scalar('correction'))), scalar('epsilon')));

/** The element-wise kernels of the `blas` engine: a new one is a line here. The first array is the destination. */
export const kernels = {
  /** y <- alpha x + beta y */
  combine: {
    arrays: ['y', 'x'],
    scalars: ['alpha', 'beta'],
    store: add(multiply(scalar('alpha'), x), multiply(scalar('beta'), y)),
  },
  /** y <- alpha x */
  scale: { arrays: ['y', 'x'], scalars: ['alpha'], store: multiply(scalar('alpha'), x) },
  /** out <- a + weight (b - a) */
  lerpFromStart: { arrays: ['out', 'a', 'b'], scalars: ['weight'], store: add(a, multiply(scalar('weight'), difference)) },
  /** out <- b - rest (b - a), rest = 1 - weight */
  lerpFromEnd: { arrays: ['out', 'a', 'b'], scalars: ['rest'], store: subtract(b, multiply(difference, scalar('rest'))) },
  /** v <- decay v + weight x^2 */
  addSquares: {
    arrays: ['v', 'x'],
    scalars: ['decay', 'weight'],
    store: add(multiply(scalar('decay'), v), multiply(scalar('weight'), multiply(x, x))),
  },
  /** out <- x / (sqrt(v / correction) + epsilon) */
  divideByRoot: { arrays: ['out', 'x', 'v'], scalars: ['correction', 'epsilon'], store: quotient },
  /** sum of x^2 */
  sumOfSquares: { arrays: ['x'], scalars: [], sumOfSquares: x },
  /** sum of (x / (sqrt(v / correction) + epsilon))^2 */
  sumOfSquaredQuotients: { arrays: ['x', 'v'], scalars: ['correction', 'epsilon'], sumOfSquares: quotient },
} as const satisfies Record<string, Kernel>;
