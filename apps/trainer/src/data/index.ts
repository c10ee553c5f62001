// Images in, batches out: re-exports only.
export type { Batch, UnreadableImage } from './batch.ts';
export { type Classified, checkSameClasses } from './classes.ts';
export type { Augmentation } from './crop.ts';
export { datasetOf, type ImageDataset, type OpenOptions, openDataset } from './dataset.ts';
export { decode, type Pixels } from './decode.ts';
export { DataError, type DataErrorCode } from './errors.ts';
export type { ImageIndex, LeftOut, Split } from './image-index.ts';
export {
  createEvaluationLoader,
  createTrainingLoader,
  type EvaluationLoader,
  type Loader,
  type TrainingLoader,
} from './loader.ts';
export type { EvaluationOptions, TrainingOptions } from './loader-options.ts';
export { nameImages } from './name-images.ts';
export { imagenetNormalisation, type Normalisation } from './normalisation.ts';
export type { OwnData, OwnImage, OwnImages } from './own-data.ts';
export { knownSources } from './sources.ts';
