/** A rank that hands over a large sum and then computes for two seconds: the sum goes on meanwhile, on the progress thread. */
import { connect } from '../../src/index.ts';
import { report } from '../../src/testing/index.ts';

const BUSY_MS = 2000;
const group = await connect({ transport: 'websocket', timeoutMs: 30_000 });
const x = new Float32Array(new SharedArrayBuffer(4 * 2 ** 21)).fill(group.rank + 1);
await group.barrier();
const started = performance.now();
const sum = group.allReduce(x);
if (group.rank === 1) while (performance.now() - started < BUSY_MS);
await sum;
const seconds = (performance.now() - started) / 1000;
const right = x.every((value) => value === 3);
await group.close();
report({ seconds, right });
