import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Builds the programs that the tests start as ranks, with the package under them: they start three times as fast as from sources, and
 * what is tested is what is shipped. What runs in the tests' own process is the sources.
 */
export function setup(): void {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  execFileSync('npx', ['tsc', '-p', 'tsconfig.ranks.json'], { cwd: folder, stdio: 'inherit' });
}
