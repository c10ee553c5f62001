/** Images and labels as a model takes them. */
export interface Batch {
  /** The number of this batch: the training step it belongs to, or its place in the evaluation. */
  readonly step: number;
  /** Normalised values, [count, imageSize, imageSize, 3]. */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class numbers, [count]. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Number of images, at least 1; less than the batch size only in evaluation. */
  readonly count: number;
}

/** An image that could not be decoded, and why. */
export interface UnreadableImage {
  readonly name: string;
  readonly reason: string;
}
