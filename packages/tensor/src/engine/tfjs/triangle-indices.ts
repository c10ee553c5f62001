import { keep, type Tensor1D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { triangleLength } from '../triangle.ts';

/**
 * Where the numbers of squares and of packed triangles lie in each other, by order: what a gather takes. Made at the first use of an order, and kept: 6 n^2 bytes
 * for the two ways, whatever the number of triangles.
 */
export class TriangleIndices {
  readonly #made = new Map<string, Tensor1D>();

  /** Of each number of a packed triangle, its place in a square of order n. */
  ofPacked(n: number): Tensor1D {
    return this.#once(`packed ${n}`, () => {
      const places = new Int32Array(triangleLength(n));
      for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++, at++) places[at] = i * n + j;
      return places;
    });
  }

  /** Of each number of a square, its place in a packed triangle; above the diagonal, that of its mirror image. */
  ofSquare(n: number): Tensor1D {
    return this.#once(`square ${n}`, () => {
      const places = new Int32Array(n * n);
      for (let i = 0, at = 0; i < n; i++) {
        for (let j = 0; j <= i; j++, at++) {
          places[i * n + j] = at;
          places[j * n + i] = at;
        }
      }
      return places;
    });
  }

  dispose(): void {
    for (const indices of this.#made.values()) indices.dispose();
    this.#made.clear();
  }

  #once(name: string, places: () => Int32Array): Tensor1D {
    const made = this.#made.get(name) ?? tidy(() => keep(tensor1d(places(), 'int32')));
    this.#made.set(name, made);
    return made;
  }
}
