import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where the wasm backend's package keeps its modules, and its version. @throws where the package is not installed. */
export function wasmFiles(): { readonly folder: string; readonly version: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('@tensorflow/tfjs-backend-wasm/package.json');
  return { folder: join(dirname(manifest), 'wasm-out'), version: (require(manifest) as { version: string }).version };
}
