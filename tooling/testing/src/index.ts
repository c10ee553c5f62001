export { expectClose, type Tolerance, tolerance } from './close.ts';
export { type Random, seededRandom } from './random.ts';
export { expectCodesInReadme, runReadmeExample } from './readme.ts';
