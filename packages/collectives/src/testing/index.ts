// What tests of other packages need to run several ranks: re-exports only.
export { freePort, type RankOutcome, type RanksOptions, type RunningRanks, report, runRanks, startRanks } from './ranks.ts';
