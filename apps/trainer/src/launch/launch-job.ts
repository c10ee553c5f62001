import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reporter } from '../telemetry/events.ts';
import { type LaunchOptions, launch } from './launch.ts';
import { configVariable, type FromRank, type Job, type ToRank } from './messages.ts';

/**
 * Starts the ranks of a training run on this host and stays until all have ended. SIGINT and SIGTERM ask them to save and stop after the step
 * they are at.
 *
 * @returns the exit code: 0, or 130 and 143 after a signal.
 * @throws {TrainerError} as `launch`; `details.code` is the code of the rank's own error.
 */
export function launchJob(job: Job, reporter: Reporter): Promise<number> {
  const { nprocPerNode, masterPort, nodes } = job.config;
  const steps = new Map<number, number>();
  return launch(entry.program, {
    ...entry,
    nprocPerNode,
    masterPort,
    nodes,
    environment: { ...process.env, [configVariable]: JSON.stringify(job) },
    // Standard output stays free for what the command itself has to say.
    stdout: 'stderr',
    onMessage(message, rank, fail) {
      const heard = message as FromRank;
      if (heard.type === 'event') reporter.report(heard.event);
      else if (heard.type === 'at') steps.set(rank, heard.step);
      else fail(`rank ${rank}: ${heard.message}`, { rank, code: heard.code, exitCode: heard.exitCode });
    },
    stop,
    onSignal: (signal) =>
      reporter.report({ type: 'note', text: `${signal}: stopping after this step, then saving. Once more to stop at once.` }),
    where: (rank) => ` after step ${steps.get(rank) ?? 0}`,
  });
}

function stop(child: ChildProcess): void {
  const message: ToRank = { type: 'stop' };
  if (child.connected) child.send(message);
}

/** A rank's program: its built file, or its source where this file is source itself. */
const source = import.meta.url.endsWith('.ts');
const entry = {
  program: fileURLToPath(new URL(source ? './rank.ts' : './rank.js', import.meta.url)),
  execArgv: source ? ['--conditions=@distributed-shampoo/source', '--import', 'tsx'] : [],
} satisfies LaunchOptions & { readonly program: string };
