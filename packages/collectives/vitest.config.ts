import { source } from '@distributed-shampoo/testing/vitest';
import { defineConfig } from 'vitest/config';

export default defineConfig(source({ globalSetup: './test/build-ranks.ts' }));
