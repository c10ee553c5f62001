import type { ShampooInput } from '@distributed-shampoo/optimizer';

type Options = Readonly<Record<string, unknown>>;

/** What every golden run had and no file says, by the preconditioner's method. */
const fixedByMethod: Readonly<Record<string, Options>> = {
  'coupled-newton': { maxIterations: 200, tolerance: 1e-12 },
  'coupled-higher-order': { maxIterations: 200, tolerance: 1e-14, relativeEpsilon: 0, absoluteEpsilon: 0 },
};

/** Options of a golden run, with what `golden/README.md` says is fixed. */
export function completeOptions(options: Options): ShampooInput {
  const groups = (options['groups'] ?? []) as readonly { readonly options: Options }[];
  return {
    ...completeGroup(options),
    mergeDirection: 'trailing',
    compatibility: 'reference',
    ...(groups.length > 0 && { groups: groups.map((group) => ({ ...group, options: completeGroup(group.options) })) }),
  } as ShampooInput;
}

function completeGroup(options: Options): Options {
  const preconditioner = options['preconditioner'] as Options | undefined;
  if (preconditioner === undefined) return options;
  return {
    ...options,
    preconditioner: { ...fixedByMethod[String(preconditioner['method'])], ...preconditioner },
    // Matrices are orthogonalised whole.
    ...(preconditioner['type'] === 'spectral-descent' && { maxPreconditionerDim: 'infinity' }),
  };
}
