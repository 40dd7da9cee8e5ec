/**
 * Keeps classes as large as the first labels have them: a network that is taught by masks of others lets classes that it knows well grow over those it does not. Each
 * class gets an offset b_c on its logit (the background 0), such that over all photos the area of
 *
 *     argmax over the background and the photo's tags of ln p_c + b_c
 *
 * is that of the labels: a few rounds of b_c += eta ln((target_c + margin) / (area_c + margin)), areas in photos.
 */
import type { Maps } from '../../../shared/maps';

export interface JudgedPhoto {
  /** (1 + channels.length) x h x w: background, then the photo's tags. */
  probabilities: Maps;
  /** Channels of the tags in the network. */
  channels: readonly number[];
}

const ROUNDS = 12;
const ETA = 0.7;
const MARGIN = 0.05;
const LEAST = 1e-6;

/** One offset a channel. @param targets area of each channel, in photos */
export function heldAreas(photos: readonly JudgedPhoto[], targets: ArrayLike<number>): Float32Array {
  const offsets = new Float64Array(targets.length);
  const logits = photos.map(({ probabilities }) => probabilities.data.map(p => Math.log(Math.max(p, LEAST))));
  for (let round = 0; round < ROUNDS; round++) {
    const areas = new Float64Array(targets.length);
    photos.forEach(({ probabilities, channels }, i) => {
      const size = probabilities.height * probabilities.width;
      const own = [0, ...channels];
      for (let cell = 0; cell < size; cell++) {
        let best = 0;
        for (let c = 1; c < own.length; c++) if (logits[i][c * size + cell] + offsets[own[c]] > logits[i][best * size + cell] + offsets[own[best]]) best = c;
        areas[own[best]] += 1 / size;
      }
    });
    for (let c = 1; c < offsets.length; c++) offsets[c] += ETA * Math.log((targets[c] + MARGIN) / (areas[c] + MARGIN));
  }
  return Float32Array.from(offsets);
}

/** Area of each channel in shares of cells, in photos. @param shares rows of the background and the photo's tags */
export function areasOf(photos: Iterable<{ shares: Float32Array; channels: readonly number[] }>, count: number): Float64Array {
  const areas = new Float64Array(count);
  for (const { shares, channels } of photos) {
    const own = [0, ...channels];
    const total = shares.reduce((a, b) => a + b, 0) || 1;
    for (let i = 0; i < shares.length; i++) areas[own[i % own.length]] += shares[i] / total;
  }
  return areas;
}
