import type { MatrixEngine, Slot } from '@distributed-shampoo/tensor';

/**
 * Places where new roots and bases are computed while the old ones are in use. A root and its successor swap places, so that a refresh that fails
 * leaves the old one as it was; as many places are needed as are refreshed in one step, not as there are roots.
 */
export class PlacePool {
  readonly #engine: MatrixEngine;
  readonly #free = new Map<string, Slot[]>();

  constructor(engine: MatrixEngine) {
    this.#engine = engine;
  }

  /** Makes room for one step that refreshes slots of these shapes. */
  reserve(shapes: readonly (readonly number[])[]): void {
    const places = new Map<string, number>();
    for (const shape of shapes) {
      const key = String(shape);
      const wanted = (places.get(key) ?? 0) + 1;
      places.set(key, wanted);
      const free = this.#free.get(key) ?? [];
      this.#free.set(key, free);
      if (free.length < wanted) free.push(this.#engine.allocate(shape));
    }
  }

  /** @throws RangeError when more are taken than were reserved: a defect of the caller's schedule. */
  take(shape: readonly number[]): Slot {
    const place = this.#free.get(String(shape))?.pop();
    if (place === undefined)
      throw new RangeError(`PlacePool: no place left for a slot of shape [${shape}]; reserve() was told of fewer.`);
    return place;
  }

  give(place: Slot): void {
    this.#free.get(String(place.shape))?.push(place);
  }
}
