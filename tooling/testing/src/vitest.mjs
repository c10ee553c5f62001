const conditions = ['@distributed-shampoo/source'];

/** Vitest settings for a package of this workspace: sources of its siblings, one process a file, nothing built first. */
export const source = (test = {}) => ({
  resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'], externalConditions: conditions } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // Above the wall limits that tests set for their processes: those say what was going on.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    ...test,
  },
});
