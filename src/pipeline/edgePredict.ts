/**
 * EdgePredict (EP): decides region by region what the certain filter left open. Absolute scores decide the certain pixels;
 * edges of the score map bound regions, and each region's undecided pixels take the label that most of it has.
 *
 *     L0 = certainFilter(M);  g = floor(255 max_k M_k);  E = canny(blur5x5(g), 10, 100)
 *     edge pixels that are background -> 255
 *     per 4-connected component of the pixels without edge: v = its most frequent label (the smallest on ties, 255 counts);
 *     its pixels that are 255 -> v
 *
 * Only undecided pixels and background edge pixels change. RecurSeed + EdgePredictMix (arXiv 2204.06754, v2).
 */
import { IGNORE, type LabelMap, type Maps } from '../shared/maps';
import { canny, gaussianBlur5, type GreyImage } from './canny';
import { labelComponents } from './components';

export const EDGE_LOW = 10;
export const EDGE_HIGH = 100;

/** `labels` (from the certain filter) with undecided regions filled by the edges of `scores` (C x H x W in [0, 1]). */
export function edgePredict(labels: LabelMap, scores: Maps): LabelMap {
  return fillRegions(labels, canny(gaussianBlur5(greyScores(scores)), EDGE_LOW, EDGE_HIGH));
}

/** floor(255 max_k M_k) as bytes; scores outside [0, 1] are clipped. */
export function greyScores(scores: Maps): GreyImage {
  const { channels, height, width } = scores;
  const size = height * width;
  const best = new Float32Array(size);
  for (let k = 0; k < channels; k++) {
    for (let p = 0; p < size; p++) best[p] = Math.max(best[p], scores.data[k * size + p]);
  }
  const data = new Uint8Array(size);
  for (let p = 0; p < size; p++) data[p] = Math.min(255, Math.floor(Math.fround(255 * best[p])));
  return { data, height, width };
}

/** The region rule above, for any edge map (non-zero on edges) of the labels' size. */
export function fillRegions(labels: LabelMap, edges: GreyImage): LabelMap {
  const { height, width } = labels;
  if (edges.height !== height || edges.width !== width) {
    throw new Error(`edge predict: edges of ${edges.height} x ${edges.width} for labels of ${height} x ${width}`);
  }
  const inside = new Uint8Array(height * width);
  for (let p = 0; p < inside.length; p++) inside[p] = edges.data[p] === 0 ? 1 : 0;
  const regions = labelComponents(inside, height, width, 4);
  const winner = majority(labels.data, regions.labels, regions.count);
  const data = new Uint8Array(height * width);
  for (let p = 0; p < data.length; p++) {
    const label = labels.data[p];
    if (inside[p]) data[p] = label === IGNORE ? winner[regions.labels[p]] : label;
    else data[p] = label === 0 ? IGNORE : label;
  }
  return { data, height, width };
}

/** The most frequent label of each region 1..count, the smallest on ties. */
function majority(labels: Uint8Array, regions: Int32Array, count: number): Uint8Array {
  const present = new Uint8Array(256);
  for (const label of labels) present[label] = 1;
  const values = [...present.keys()].filter(value => present[value]);
  const column = new Uint8Array(256);
  values.forEach((value, index) => (column[value] = index));
  const votes = new Int32Array((count + 1) * values.length);
  for (let p = 0; p < labels.length; p++) votes[regions[p] * values.length + column[labels[p]]]++;
  const winner = new Uint8Array(count + 1);
  for (let region = 1; region <= count; region++) {
    let best = 0;
    for (let v = 1; v < values.length; v++) {
      if (votes[region * values.length + v] > votes[region * values.length + best]) best = v;
    }
    winner[region] = values[best];
  }
  return winner;
}
