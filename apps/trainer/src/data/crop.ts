/** Width and height in pixels. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** A part of an image in pixels, not necessarily whole ones; (0, 0) is the upper left corner of the first pixel. */
export interface Rectangle extends Extent {
  readonly left: number;
  readonly top: number;
}

/** Which part of an image is shown, and whether mirrored left to right. */
export interface View {
  readonly rectangle: Rectangle;
  readonly mirrored: boolean;
}

/** How training images are varied. */
export interface Augmentation {
  /** Share of the area that a crop shows, drawn uniformly between the two. */
  readonly scale: readonly [number, number];
  /** Width over height of a crop, drawn uniformly in the logarithm between the two. */
  readonly ratio: readonly [number, number];
  /** Probability of mirroring. */
  readonly mirror: number;
}

const attempts = 10;

/**
 * A random resized crop: area and ratio are drawn until the rectangle fits, at most ten times, then it is placed anywhere it fits.
 * Failing that, the largest centred rectangle with the nearest allowed ratio.
 *
 * @see Szegedy et al., "Going deeper with convolutions", 2015, section 6; the fallback and the ten attempts are torchvision's.
 */
export function randomView(image: Extent, augmentation: Augmentation, random: () => number): View {
  const between = ([low, high]: readonly [number, number]) => low + random() * (high - low);
  const logRatio = [Math.log(augmentation.ratio[0]), Math.log(augmentation.ratio[1])] as const;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = image.width * image.height * between(augmentation.scale);
    const ratio = Math.exp(between(logRatio));
    const width = Math.round(Math.sqrt(area * ratio));
    const height = Math.round(Math.sqrt(area / ratio));
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    const left = Math.floor(random() * (image.width - width + 1));
    const top = Math.floor(random() * (image.height - height + 1));
    return { rectangle: { left, top, width, height }, mirrored: random() < augmentation.mirror };
  }
  return { rectangle: centredWithRatio(image, augmentation.ratio), mirrored: random() < augmentation.mirror };
}

/** The largest rectangle in the middle of an image whose width over height lies in a range. */
function centredWithRatio(image: Extent, [low, high]: readonly [number, number]): Rectangle {
  const ratio = Math.min(high, Math.max(low, image.width / image.height));
  const width = Math.min(image.width, Math.max(1, Math.round(image.height * ratio)));
  const height = Math.min(image.height, Math.max(1, Math.round(image.width / ratio)));
  return { left: (image.width - width) / 2, top: (image.height - height) / 2, width, height };
}

/** The share of the short side that evaluation shows: 224 of 256 pixels, ImageNet's convention. */
const evaluationShare = 224 / 256;

/**
 * The square in the middle of an image, as if the short side had been resized to 256/224 of `size` and the middle cut out.
 * An image whose short side has no more than `size` pixels is shown over its whole short side: it has no pixels to spare.
 */
export function centreView(image: Extent, size: number): View {
  const short = Math.min(image.width, image.height);
  const side = short <= size ? short : Math.max(size, short * evaluationShare);
  return {
    rectangle: { left: (image.width - side) / 2, top: (image.height - side) / 2, width: side, height: side },
    mirrored: false,
  };
}
