/** A thread that signs in memory it is given, and then ends: with its signature, or after taking it back. */
import { workerData } from 'node:worker_threads';
import { loadNative, type Native } from '../../src/memory/native.ts';
import { sign } from '../../src/memory/signature.ts';

const { buffer, takesBack } = workerData as { buffer: SharedArrayBuffer; takesBack: boolean };
const native = (await loadNative()) as Native;
const takeBack = sign({ buffer, byteOffset: 64, address: native.addressOf(new Uint8Array(buffer)) + 64 }, native.robustList!);
if (takesBack) takeBack();
