import { randomBytes } from 'node:crypto';
import { TrainerError } from '../errors.ts';

/** The hosts that a job runs on, each with a launcher of its own. */
export interface Nodes {
  /** Number of hosts. */
  readonly count: number;
  /** Which of them this is, from 0. Node 0 has rank 0, where all ranks meet. */
  readonly index: number;
  /** An address of node 0 that the others can reach. */
  readonly address: string;
}

/** One host alone. */
export const oneNode: Nodes = { count: 1, index: 0, address: '127.0.0.1' };

/**
 * glibc's allocator gives large blocks back to the system at once and faults them in again at the next step; TensorFlow's kernels ran 10 %
 * faster when it keeps them.
 */
const allocator = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '268435456',
};

/** What follows for the ranks of this host. */
export interface Placement {
  /** Ranks on each host. */
  readonly nprocPerNode: number;
  readonly nodes: Nodes;
  readonly port: number;
}

/**
 * The environment of every rank of this host: torchrun's variables, so that programs don't care who started them. What `base` has already
 * wins over the allocator's settings.
 *
 * @throws {TrainerError} `misuse` for several hosts without COLLECTIVES_TOKEN, which they prove to each other and cannot make up apart.
 */
export function rankEnvironments({ nprocPerNode, nodes, port }: Placement, base: NodeJS.ProcessEnv): NodeJS.ProcessEnv[] {
  const own = base['COLLECTIVES_TOKEN'];
  if (nodes.count > 1 && !own)
    throw new TrainerError(
      'misuse',
      `${nodes.count} hosts need a token that only they know: set COLLECTIVES_TOKEN to the same random text on each of them, as from "openssl rand -hex 16".`,
      { nodes },
    );
  const shared = {
    ...allocator,
    ...base,
    WORLD_SIZE: String(nodes.count * nprocPerNode),
    LOCAL_WORLD_SIZE: String(nprocPerNode),
    MASTER_ADDR: nodes.address,
    MASTER_PORT: String(port),
    COLLECTIVES_TOKEN: own || randomBytes(16).toString('hex'),
  };
  return Array.from({ length: nprocPerNode }, (_, local) => ({
    ...shared,
    RANK: String(nodes.index * nprocPerNode + local),
    LOCAL_RANK: String(local),
  }));
}

/** Whether this process was started as a rank of a group, by `launch` or any launcher that sets torchrun's variables. */
export const isRank = (environment: NodeJS.ProcessEnv = process.env): boolean =>
  environment['RANK'] !== undefined && environment['WORLD_SIZE'] !== undefined;
