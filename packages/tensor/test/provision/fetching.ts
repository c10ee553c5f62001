import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorError } from '../../src/index.ts';
import type { FetchOptions } from '../../src/provision/fetch-wheel.ts';
import type { Wheel } from '../../src/provision/wheels.ts';
import type { Sandbox } from './sandbox.ts';

/** Options whose download writes bytes, the same for all wheels or by wheel, and what was reported and downloaded. */
export function fetching({ environment }: Sandbox, content: Buffer | ((wheel: Wheel) => Buffer)) {
  const lines: string[] = [];
  const downloaded: string[] = [];
  const options: FetchOptions = {
    environment,
    report: { terminal: false, progress: (line) => lines.push(line) },
    async download(wheel, folder) {
      downloaded.push(wheel.project);
      const file = join(folder, 'engine.whl');
      writeFileSync(file, Buffer.isBuffer(content) ? content : content(wheel));
      return file;
    },
  };
  return { options, lines, downloaded, downloads: () => downloaded.length };
}

/** The error of something that must fail. */
export const failureOf = (promise: Promise<unknown>): Promise<TensorError> =>
  promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: TensorError) => error,
  );
