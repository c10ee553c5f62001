// The images of `npm start`: re-exports only.
export { type ImageClass, imageClasses } from './classes.ts';
export { type GeneratedImages, type GenerationOptions, generateImages } from './generate.ts';
