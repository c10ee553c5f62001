import { type Layer, layersOf } from './layers.ts';
import type { Scene } from './scene.ts';

/**
 * Paints a scene, layer over layer, and then what light and film make of it.
 *
 * @param random is asked for the noise of every value.
 * @returns RGB bytes, rows from top to bottom, [size, size, 3].
 */
export function paint(scene: Scene, size: number, random: () => number): Uint8Array {
  const canvas = new Float32Array(size * size * 3);
  for (const layer of layersOf(scene)) paintLayer(canvas, size, layer);
  return develop(canvas, size, { ...scene, random });
}

/** canvas <- canvas + coverage (colour - canvas); coverage goes from 0 to 1 over the pixel that an edge passes through. */
function paintLayer(canvas: Float32Array, size: number, { colours, share, distance, bounds }: Layer): void {
  const [from, to] = colours;
  const first = (middle: number) => Math.max(0, Math.floor((middle - bounds.reach) * size - 1));
  const end = (middle: number) => Math.min(size, Math.ceil((middle + bounds.reach) * size + 1));
  for (let row = first(bounds.y); row < end(bounds.y); row++) {
    for (let column = first(bounds.x); column < end(bounds.x); column++) {
      const x = (column + 0.5) / size;
      const y = (row + 0.5) / size;
      const coverage = Math.min(1, Math.max(0, 0.5 - distance(x, y) * size));
      if (coverage === 0) continue;
      const second = share(x, y);
      const at = (row * size + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const colour = from[channel]! + (to[channel]! - from[channel]!) * second;
        canvas[at + channel]! += coverage * (colour - canvas[at + channel]!);
      }
    }
  }
}

/** byte = 255 (brightness canvas + noise), brightness a plane over the picture. */
function develop(
  canvas: Float32Array,
  size: number,
  { light, noise, random }: Pick<Scene, 'light' | 'noise'> & { random: () => number },
): Uint8Array {
  const picture = new Uint8ClampedArray(canvas.length);
  const [cosine, sine] = [2 * light.slope * Math.cos(light.angle), 2 * light.slope * Math.sin(light.angle)];
  for (let at = 0, row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const brightness = light.exposure * (1 + ((column + 0.5) / size - 0.5) * cosine + ((row + 0.5) / size - 0.5) * sine);
      for (let channel = 0; channel < 3; channel++, at++) picture[at] = 255 * (brightness * canvas[at]! + noise * bell(random));
    }
  }
  return new Uint8Array(picture.buffer);
}

/** Roughly normal, deviation 1: a uniform number has variance 1/12, so three have 1/4. */
const bell = (random: () => number) => 2 * (random() + random() + random() - 1.5);
