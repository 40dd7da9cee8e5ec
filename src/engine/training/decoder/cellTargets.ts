/**
 * Labels of pixels as shares of cells, which is what the light decoder learns: for each cell the shares of its pixels that are background and each of the photo's classes.
 * Undecided pixels (255) have no share, so a row adds up to how much of the cell is certain. Where a person decided pixels of a cell, these alone count, in full.
 */
import { areaMeans } from '../../../pipeline/resize';
import { zeroMaps, type LabelMap, type Maps } from '../../../shared/maps';

/** Rows of 1 + ids.length shares, cell after cell. */
export interface CellShares {
  height: number;
  width: number;
  ids: readonly number[];
  shares: Float32Array;
}

export interface LabelledPixels {
  labels: LabelMap;
  /** One number a pixel that its share counts (complementing); 1 where left out. */
  weights?: Float32Array;
  /** A person's, of the labels' size; 255 where nobody said anything. */
  certain?: LabelMap;
}

/** @param ids classes of the photo; labels of others are undecided, but a person's join them */
export function cellShares({ labels, weights, certain }: LabelledPixels, ids: readonly number[], known: ReadonlySet<number>, { height, width }: { height: number; width: number }): CellShares {
  const more = certain ? [...new Set(certain.data)].filter(id => id !== 0 && known.has(id) && !ids.includes(id)).sort((a, b) => a - b) : [];
  const all = [...ids, ...more];
  const channels = all.length + 1;
  const seen = areaMeans(oneHot(labels, all, weights), height, width);
  const decided = certain && areaMeans(oneHot(certain, all), height, width);
  const cells = height * width;
  const shares = new Float32Array(cells * channels);
  for (let i = 0; i < cells; i++) {
    let total = 0;
    if (decided) for (let c = 0; c < channels; c++) total += decided.data[c * cells + i];
    for (let c = 0; c < channels; c++) shares[i * channels + c] = decided && total > 0 ? decided.data[c * cells + i] / total : seen.data[c * cells + i];
  }
  return { height, width, ids: all, shares };
}

/** Background and each of `ids` as maps of 0 and 1 (times the weights). */
function oneHot(labels: LabelMap, ids: readonly number[], weights?: Float32Array): Maps {
  const size = labels.height * labels.width;
  const channel = new Int16Array(256).fill(-1);
  [0, ...ids].forEach((id, c) => (channel[id] = c));
  const out = zeroMaps(ids.length + 1, labels.height, labels.width);
  labels.data.forEach((label, p) => {
    if (channel[label] >= 0) out.data[channel[label] * size + p] = weights ? weights[p] : 1;
  });
  return out;
}

/** (share of the class among all cells)^-power, so that the mean weight of a cell is 1; 0 for classes that no cell has. @param channelOf the channel of an id, background 0 */
export function classWeights(photos: Iterable<CellShares>, channelOf: ReadonlyMap<number, number>, power: number): Float32Array {
  const sums = new Float64Array(channelOf.size + 1);
  for (const { ids, shares } of photos) {
    const channels = [0, ...ids.map(id => channelOf.get(id) ?? 0)];
    for (let i = 0; i < shares.length; i++) sums[channels[i % channels.length]] += shares[i];
  }
  const total = sums.reduce((a, b) => a + b, 0);
  const weights = sums.map(sum => (sum > 0 ? Math.max(sum / total, RAREST) ** -power : 0));
  const mean = weights.reduce((all, weight, c) => all + (weight * sums[c]) / (total || 1), 0);
  return Float32Array.from(weights, weight => (mean > 0 ? weight / mean : 1));
}

/** A class that is rarer weighs no more than one of this share. */
const RAREST = 1e-5;
