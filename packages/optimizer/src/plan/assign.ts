/**
 * Gives items to bins, dearest first, each to the bin with the least load so far (longest processing time first).
 *
 * Ties: the earlier item first, the lower bin first; so that every rank computes the same assignment alone.
 *
 * @returns the bin of each item.
 * @see spec/optimizer.md, 3.3.
 */
export function assignByCost(costs: readonly number[], bins: number): readonly number[] {
  const order = costs.map((_, item) => item).sort((a, b) => (costs[b] as number) - (costs[a] as number) || a - b);
  const loads = new Array<number>(bins).fill(0);
  const assignment = new Array<number>(costs.length).fill(0);
  for (const item of order) {
    let lightest = 0;
    for (let bin = 1; bin < bins; bin++) if ((loads[bin] as number) < (loads[lightest] as number)) lightest = bin;
    assignment[item] = lightest;
    loads[lightest] = (loads[lightest] as number) + (costs[item] as number);
  }
  return assignment;
}
