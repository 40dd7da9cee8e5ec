/**
 * Local clusters of one photo (MARS, stage b): the features of each label's region, background included, are split by K-means, apart from the rest of the photo,
 * so that an object and the stuff that came along with it fall apart with K = 2. Work is on the feature grid: a cell has the label of most of its pixels.
 *
 * Regions of fewer than four cells are skipped; undecided pixels (255) are never used.
 */
import { SeedMaskError } from '../../shared/errors';
import { IGNORE, type LabelMap, type Maps } from '../../shared/maps';
import { kMeans } from './kMeans';
import type { LocalCluster, MarsSettings, PhotoClusters } from './marsTypes';
import { squaredDistance } from './vectors';

/** Cells of the smallest region that is split. */
const LEAST_CELLS = 4;

/**
 * Clusters of `features` (D x h x w) under `mask` (any size, stretched over the grid), labels in ascending order.
 * @throws SeedMaskError 'numeric' if the features hold values that are not finite numbers
 */
export function clusterPhoto(features: Maps, mask: LabelMap, settings: Pick<MarsSettings, 'kForeground' | 'kBackground'>): PhotoClusters {
  assertFinite(features);
  const { channels: dimensions, height, width } = features;
  const labels = cellLabels(mask, height, width);
  const cellsOf = new Map<number, number[]>();
  labels.forEach((label, cell) => {
    if (label === IGNORE) return;
    const cells = cellsOf.get(label);
    if (cells) cells.push(cell);
    else cellsOf.set(label, [cell]);
  });
  const clusters: LocalCluster[] = [];
  const assignment = new Int16Array(labels.length).fill(-1);
  for (const [classId, cells] of [...cellsOf].sort(([a], [b]) => a - b)) {
    if (cells.length < LEAST_CELLS) continue;
    const found = kMeans(gather(features, cells), dimensions, classId === 0 ? settings.kBackground : settings.kForeground);
    // A cluster without cells would count one of the others twice.
    const place = new Map<number, number>();
    found.counts.forEach((count, k) => {
      if (count === 0) return;
      clusters.push({ classId, cluster: place.size, cells: count, centroid: Float32Array.from(found.centroids.subarray(k * dimensions, (k + 1) * dimensions)) });
      place.set(k, clusters.length - 1);
    });
    cells.forEach((cell, i) => (assignment[cell] = place.get(found.labels[i]) ?? -1));
  }
  return { clusters, height, width, labels, assignment };
}

/**
 * Label of each cell of a height x width grid: that of most of its pixels, the lower of equals, 255 aside; 255 if there is no other. A cell that is smaller than a
 * pixel has the label of the pixel at its centre.
 */
export function cellLabels(mask: LabelMap, height: number, width: number): Uint8Array {
  const labels = new Uint8Array(height * width);
  const counts = new Int32Array(256);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = pixelsOf(y, height, mask.height);
    for (let x = 0; x < width; x++) {
      const [left, right] = pixelsOf(x, width, mask.width);
      counts.fill(0);
      for (let row = top; row < bottom; row++) {
        for (let p = row * mask.width + left; p < row * mask.width + right; p++) counts[mask.data[p]]++;
      }
      let best = IGNORE;
      for (let label = IGNORE - 1; label >= 0; label--) if (counts[label] > 0 && (best === IGNORE || counts[label] >= counts[best])) best = label;
      labels[y * width + x] = best;
    }
  }
  return labels;
}

/** For each cell of the grid, the nearest of `clusters` (index), whatever the cell's label; -1 where there is none. */
export function nearestClusters(features: Maps, clusters: readonly Pick<LocalCluster, 'centroid'>[]): Int16Array {
  const cells = features.height * features.width;
  const nearest = new Int16Array(cells).fill(-1);
  if (clusters.length === 0) return nearest;
  const vectors = gather(features, Array.from({ length: cells }, (_, cell) => cell));
  for (let cell = 0; cell < cells; cell++) {
    let least = Infinity;
    clusters.forEach(({ centroid }, index) => {
      const far = squaredDistance(vectors, cell * features.channels, centroid, 0, features.channels);
      if (far < least) {
        least = far;
        nearest[cell] = index;
      }
    });
  }
  return nearest;
}

/** The photo's tags and the classes of its mask, ascending: a mask's word on a class is as good as a tag. */
export function classesOf(mask: LabelMap, tags: readonly number[]): number[] {
  const present = new Uint8Array(256);
  for (const id of tags) present[id] = 1;
  for (let p = 0; p < mask.data.length; p++) present[mask.data[p]] = 1;
  return Array.from(present.keys()).filter(id => id > 0 && id < IGNORE && present[id] === 1);
}

/**
 * A mask that somebody else made, checked before use.
 * @throws SeedMaskError 'bad-mask' if its size is not the photo's, or it holds an id that is no class
 */
export function checkMask(mask: LabelMap, size: { height: number; width: number }, isClass: (id: number) => boolean, file?: string): void {
  if (mask.height !== size.height || mask.width !== size.width || mask.data.length !== mask.height * mask.width) {
    throw new SeedMaskError('bad-mask', `the mask is ${mask.width} x ${mask.height} pixels, the photo ${size.width} x ${size.height}`, file);
  }
  const unknown = classesOf(mask, []).filter(id => !isClass(id));
  if (unknown.length > 0) throw new SeedMaskError('bad-mask', `the mask holds ${unknown.length === 1 ? 'the id' : 'the ids'} ${unknown.join(', ')}, which no class has`, file);
}

/** The vectors of `cells`, row by row. */
function gather({ data, channels, height, width }: Maps, cells: readonly number[]): Float32Array {
  const rows = new Float32Array(cells.length * channels);
  for (let d = 0; d < channels; d++) {
    const from = d * height * width;
    for (let i = 0, to = d; i < cells.length; i++, to += channels) rows[to] = data[from + cells[i]];
  }
  return rows;
}

/** From and to of the pixels whose centre is in cell `i` of `cells`. */
function pixelsOf(i: number, cells: number, pixels: number): [number, number] {
  const from = Math.ceil((i * pixels) / cells - 0.5);
  const to = Math.ceil(((i + 1) * pixels) / cells - 0.5);
  if (from < to) return [from, to];
  const centre = Math.min(Math.floor(((i + 0.5) * pixels) / cells), pixels - 1);
  return [centre, centre + 1];
}

function assertFinite({ data }: Maps): void {
  // x * 0 is 0 for every finite x and NaN for the others.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * 0;
  if (sum !== 0) throw new SeedMaskError('numeric', 'the features hold values that are not finite numbers');
}
