/** Where `build-ranks.ts` puts the program of `test/ranks/NAME.ts`. */
export const rankProgram = (name: string): URL => new URL(`../node_modules/.ranks/test/ranks/${name}.js`, import.meta.url);
