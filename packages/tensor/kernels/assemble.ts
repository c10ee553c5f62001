import { writeFileSync } from 'node:fs';
import wabtModule from 'wabt';
import { conversions } from './bfloat16.ts';
import { kernelText, moduleText } from './language.ts';
import { kernels } from './table.ts';

/** @returns the source of the generated file: the kernels' module, base64, with a function that gives its bytes. */
export async function generatedSource(): Promise<string> {
  const wabt = await wabtModule();
  const functions = [
    ...Object.entries(kernels).map(([name, kernel]) => kernelText(name, kernel)),
    ...Object.entries(conversions).map(([name, text]) => text(name)),
  ];
  const parsed = wabt.parseWat('kernels.wat', moduleText(functions), { threads: true, simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  return `// Generated from kernels/ by \`pnpm kernels\`: not to be edited. A test compares it with its source.

/** Names of the kernels that the module exports. */
export type KernelName = ${[...Object.keys(kernels), ...Object.keys(conversions)].map((name) => `'${name}'`).join(' | ')};

/** The assembled WebAssembly module, base64. */
export const kernelModuleBase64 =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1])) {
  writeFileSync(new URL('../src/engine/kernels/module.generated.ts', import.meta.url), await generatedSource());
}
