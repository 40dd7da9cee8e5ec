/**
 * Smoothing the outline of a class by a majority filter: each pixel takes the label that has most weight around it, with the weights of a box of 2r + 1 pixels convolved
 * with itself (a pyramid, near enough to round). Repeated majority with a small window moves an outline by its curvature (Merriman, Bence & Osher 1992): spikes and
 * notches go, straight edges stay. A label that is not around cannot win, so no class is invented. Worked in tiles: those of one label have nothing to smooth.
 */
import { cut, type Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { grown, union } from './rects';
import { dilated } from './morphology';
import { window, type Selection } from './selection';

/** Pixels a side. */
const TILE = 256;

/**
 * Smooths the outline of `region`, whose pixels have `label`: pixels of the label become what surrounds them, and pixels close to the region become `label`. Others stay.
 * @param radius of the box, 1..50 pixels; a pixel looks twice as far.
 * @returns the rectangle that changed.
 */
export function smooth(labels: LabelMap, region: Selection, label: number, radius: number): Rect | undefined {
  const near = dilated(region, radius, labels);
  const source = grown(near.rect, 2 * radius, labels) ?? near.rect;
  const before: LabelMap = { data: cut(labels, source), width: source.width, height: source.height };
  let changed: Rect | undefined;
  for (let y = near.rect.y; y < near.rect.y + near.rect.height; y += TILE) {
    for (let x = near.rect.x; x < near.rect.x + near.rect.width; x += TILE) {
      const tile = { x, y, width: Math.min(TILE, near.rect.x + near.rect.width - x), height: Math.min(TILE, near.rect.y + near.rect.height - y) };
      changed = union(changed, smoothTile(labels, tile, { before, source, near, label, radius }));
    }
  }
  return changed;
}

interface Smoothing {
  /** The labels of `source` before anything was written. */
  before: LabelMap;
  source: Rect;
  near: Selection;
  label: number;
  radius: number;
}

function smoothTile(labels: LabelMap, tile: Rect, { before, source, near, label, radius }: Smoothing): Rect | undefined {
  const { x: left, y: top, width, height } = grown({ ...tile, x: tile.x - source.x, y: tile.y - source.y }, 2 * radius, before) ?? source;
  const around = cut(before, { x: left, y: top, width, height });
  const found = labelsIn(around);
  if (found.length < 2 || !found.includes(label)) return undefined;
  const may = window(near, tile).inside;
  const best = new Int32Array(tile.width * tile.height).fill(-1);
  const winner = new Uint8Array(best.length);
  const own = cut(labels, tile);
  const offset = (tile.y - source.y - top) * width + tile.x - source.x - left;
  for (const candidate of found) {
    const weights = weightsOf(around, candidate, width, height, radius);
    for (let p = 0, y = 0; y < tile.height; y++) {
      for (let x = 0, at = offset + y * width; x < tile.width; x++, p++, at++) {
        // A pixel keeps its label where another one is only as frequent.
        if (weights[at] > best[p] || (weights[at] === best[p] && own[p] === candidate)) {
          best[p] = weights[at];
          winner[p] = candidate;
        }
      }
    }
  }
  let changed = false;
  for (let p = 0, y = 0; y < tile.height; y++) {
    for (let x = 0, at = (tile.y + y) * labels.width + tile.x; x < tile.width; x++, p++, at++) {
      if (may[p] === 0 || winner[p] === own[p] || (winner[p] !== label && own[p] !== label)) continue;
      labels.data[at] = winner[p];
      changed = true;
    }
  }
  return changed ? tile : undefined;
}

/** In ascending order. */
function labelsIn(labels: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (let p = 0; p < labels.length; p++) seen[labels[p]] = 1;
  return Array.from(seen.keys()).filter(label => seen[label] === 1);
}

/** How much of `label` is around each pixel: its indicator, summed over the box twice. Beyond the rectangle there is nothing. */
function weightsOf(labels: Uint8Array, label: number, width: number, height: number, radius: number): Int32Array {
  let weights = new Int32Array(labels.length);
  let sums = new Int32Array(labels.length);
  for (let p = 0; p < labels.length; p++) if (labels[p] === label) weights[p] = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let y = 0; y < height; y++) boxSum(weights, sums, y * width, 1, width, radius);
    [weights, sums] = [sums, weights];
    for (let x = 0; x < width; x++) boxSum(weights, sums, x, width, height, radius);
    [weights, sums] = [sums, weights];
  }
  return weights;
}

/** Sums over `radius` values to both sides, along `count` values from `start` in steps of `step`. */
function boxSum(values: Int32Array, sums: Int32Array, start: number, step: number, count: number, radius: number): void {
  let sum = 0;
  for (let i = 0; i < Math.min(radius, count); i++) sum += values[start + i * step];
  for (let i = 0; i < count; i++) {
    if (i + radius < count) sum += values[start + (i + radius) * step];
    if (i - radius > 0) sum -= values[start + (i - radius - 1) * step];
    sums[start + i * step] = sum;
  }
}
