/**
 * What a mask was before a stroke, kept in tiles as the stroke comes to them: a stroke over a photo of 24 megapixels costs memory and time for the tiles it touches
 * alone. From it come the way back (Escape) and the edit that is sent (the smallest rectangle of labels that differ).
 */
import type { Rect } from '../../shared/labelPatch';
import { cut } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { intersection, union, whole } from './rects';

/** Pixels a side. */
const TILE = 128;

export class Recorder {
  private readonly tiles = new Map<number, { rect: Rect; before: Uint8Array }>();
  private readonly columns: number;

  constructor(private readonly labels: LabelMap) {
    this.columns = Math.ceil(labels.width / TILE);
  }

  /** To be called before anything inside `rect` is written; what is recorded already stays as it was recorded. */
  keep(rect: Rect): void {
    const within = intersection(rect, whole(this.labels));
    if (within === undefined) return;
    for (let row = Math.floor(within.y / TILE); row * TILE < within.y + within.height; row++) {
      for (let column = Math.floor(within.x / TILE); column * TILE < within.x + within.width; column++) {
        const key = row * this.columns + column;
        if (this.tiles.has(key)) continue;
        const tile = intersection({ x: column * TILE, y: row * TILE, width: TILE, height: TILE }, whole(this.labels));
        if (tile !== undefined) this.tiles.set(key, { rect: tile, before: cut(this.labels, tile) });
      }
    }
  }

  /** The smallest rectangle whose labels differ from before, with the labels it had; undefined when all is as it was. */
  changed(): { rect: Rect; before: Uint8Array } | undefined {
    let rect: Rect | undefined;
    for (const tile of this.tiles.values()) rect = union(rect, this.difference(tile.rect, tile.before));
    if (rect === undefined) return undefined;
    const before = cut(this.labels, rect);
    for (const tile of this.tiles.values()) {
      const shared = intersection(tile.rect, rect);
      if (shared === undefined) continue;
      for (let y = shared.y; y < shared.y + shared.height; y++) {
        const from = (y - tile.rect.y) * tile.rect.width + shared.x - tile.rect.x;
        before.set(tile.before.subarray(from, from + shared.width), (y - rect.y) * rect.width + shared.x - rect.x);
      }
    }
    return { rect, before };
  }

  /** Makes the labels what they were. @returns the rectangle that has to be drawn again; undefined when nothing had changed. */
  restore(): Rect | undefined {
    let rect: Rect | undefined;
    for (const tile of this.tiles.values()) {
      rect = union(rect, this.difference(tile.rect, tile.before));
      const { x, y, width, height } = tile.rect;
      for (let row = 0; row < height; row++) this.labels.data.set(tile.before.subarray(row * width, (row + 1) * width), (y + row) * this.labels.width + x);
    }
    this.tiles.clear();
    return rect;
  }

  /** The rectangle around the labels inside `rect` that are not `before`. */
  private difference({ x, y, width, height }: Rect, before: Uint8Array): Rect | undefined {
    const { data } = this.labels;
    let left = width;
    let right = -1;
    let top = -1;
    let bottom = -1;
    for (let row = 0; row < height; row++) {
      const now = (y + row) * this.labels.width + x;
      const was = row * width;
      let first = 0;
      while (first < width && data[now + first] === before[was + first]) first++;
      if (first === width) continue;
      let last = width - 1;
      while (data[now + last] === before[was + last]) last--;
      if (top < 0) top = row;
      bottom = row;
      left = Math.min(left, first);
      right = Math.max(right, last);
    }
    return top < 0 ? undefined : { x: x + left, y: y + top, width: right - left + 1, height: bottom - top + 1 };
  }
}
