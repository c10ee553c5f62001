export { expectClose, type Tolerance, tolerance } from './close.ts';
export { expectCodesInReadme, runReadmeExample } from './readme.ts';
export { type Random, seededRandom } from './random.ts';
