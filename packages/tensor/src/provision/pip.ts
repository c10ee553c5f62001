import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from './cache-contents.ts';
import { run } from './commands.ts';
import type { Report } from './report.ts';
import { PYTHON_VERSION, type Wheel } from './wheels.ts';

/** How pip may be had, in the order of trust: a Python's own module before a script that may belong to another Python. */
const ways = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']] as const;

/** @returns the command that runs pip here. @throws with a line for each way that failed. */
export async function findPip(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const way of ways) {
    const { exitCode, complaint } = await run([...way, '--version'], { environment, timeoutMs: 30_000 });
    if (exitCode === 0) return way;
    failures.push(`${way.join(' ')}: ${complaint || 'failed'}`);
  }
  throw new Error(`no pip (${failures.join(', ')}). Install Python's pip, for example: apt-get install python3-pip`);
}

/**
 * Downloads a wheel with pip, which knows the machine's index, proxy and certificates.
 *
 * @param folder an empty folder; pip's own temporary files go there too, as a memory-backed /tmp may be too small for them.
 * @returns the wheel's path.
 * @throws with pip's own complaint.
 */
export async function downloadWheel(
  wheel: Wheel,
  folder: string,
  options: { environment: NodeJS.ProcessEnv; report: Report },
): Promise<string> {
  const { environment, report } = options;
  const pip = await findPip(environment);
  const specifier = `${wheel.project}==${wheel.version}`;
  const parameters = ['download', '--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check'];
  const choice = ['--python-version', PYTHON_VERSION, '--platform', wheel.platform, '--dest', folder, specifier];
  const progress = ['--progress-bar', report.terminal ? 'on' : 'off', ...(report.terminal ? [] : ['--quiet'])];
  const stop = report.terminal ? () => {} : watchSize(folder, wheel, report);
  const outcome = await run([...pip, ...parameters, ...progress, ...choice], {
    environment: { ...environment, TMPDIR: folder },
    inheritOutput: report.terminal,
  }).finally(stop);
  if (outcome.exitCode !== 0) {
    const complaint = outcome.complaint || 'no reason given';
    throw new Error(
      `pip could not download ${specifier}: ${complaint}. Look at network, proxy (HTTPS_PROXY) and index (PIP_INDEX_URL), or carry the wheels over (PIP_FIND_LINKS)`,
    );
  }
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error(`pip said that it downloaded ${specifier}, and there is no wheel`);
  return join(folder, file);
}

const PROGRESS_EVERY_MS = 5000;

/** Reports every few seconds how much has arrived. @returns a function that ends it. */
function watchSize(folder: string, wheel: Wheel, report: Report): () => void {
  const timer = setInterval(async () => {
    const bytes = await sizeOf(folder);
    // pip writes it twice for a moment.
    const megabytes = Math.min(Math.round(bytes / 1e6), wheel.downloadMegabytes);
    report.progress(`${wheel.project}: ${megabytes} of ${wheel.downloadMegabytes} MB`);
  }, PROGRESS_EVERY_MS);
  return () => clearInterval(timer);
}
