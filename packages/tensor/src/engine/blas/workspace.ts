import type { Workspace } from '../matrix-engine.ts';
import { eighWorkspaceBytes } from './eigh.ts';
import { orthonormalRowsWorkspaceBytes } from './orthonormal-rows.ts';
import { polarFactorWorkspaceBytes } from './polar-factor.ts';

/** Bytes of a lane's workspace that a decomposition needs besides its operands. */
export function workspaceBytes(work: Workspace): number {
  switch (work.operation) {
    case 'eigh':
      return eighWorkspaceBytes(work.n, work.precision);
    case 'orthonormalRows':
      return orthonormalRowsWorkspaceBytes(work.n);
    case 'polarFactor':
      return polarFactorWorkspaceBytes(work.m, work.n);
  }
}
