import fs from 'node:fs';
import Module from 'node:module';
import { prepareTensorFlow } from '../../src/node.ts';
import { createBinding } from '../../src/tensorflow/binding.ts';
import { startTensorFlow } from '../../src/tensorflow/context.ts';

// Imported before @tensorflow/tfjs-node, it lets that package's own entry load without its native addon, which needs a compiler or a download: the
// addon's interface is there, on a TensorFlow of its own, and what only this package's binding has is not.

const ADDON = 'tfjs_binding.node';

const { copyIn: _, copyOut: __, ...addon } = createBinding(startTensorFlow(await prepareTensorFlow(), {}));

const { existsSync } = fs;
fs.existsSync = (path) => String(path).endsWith(ADDON) || existsSync(path);

const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
const load = loader._load;
loader._load = (request, ...rest) => (request.endsWith(ADDON) ? addon : load.call(Module, request, ...rest));
