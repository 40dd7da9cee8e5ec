/**
 * Lessons as the inputs of a training graph: photos, tags, which cells show the photo, scores and labels on their grids. Weights of an item's labels sum up to 1, or to
 * what a mix counts for, so that the loss is a mean over items however a batch is split.
 */
import { resizeBilinear } from '../../../pipeline/resize';
import type { Tensor } from '../../../shared/graph';
import { IGNORE, plane, type LabelMap, type Maps, type RgbImage } from '../../../shared/maps';
import { photoTensor } from './networkModel';

/** What a step is taught about one crop, mixed or not. */
export interface Taught {
  image: RgbImage;
  channels: readonly number[];
  /** grid x grid of 0 and 1. */
  inside: Uint8Array;
  /** A map a channel. */
  scores: Maps;
  labels: LabelMap;
  weight: number;
}

export interface FeedSizes {
  /** Without the background. */
  classes: number;
  /** Of the class activation maps. */
  height: number;
  width: number;
}

/** All inputs of `networkLoss` that stand for crops, with `prefix` before their names. */
export function lessonFeeds(taught: readonly Taught[], { classes, height, width }: FeedSizes, prefix = ''): Record<string, Tensor> {
  const cells = height * width;
  const tags = new Float32Array(taught.length * classes);
  const targets = new Float32Array(taught.length * classes * cells);
  const inside = new Float32Array(taught.length * cells);
  taught.forEach(({ channels, scores, inside: seen, labels }, i) => {
    for (const channel of channels) tags[i * classes + channel - 1] = 1;
    if (scores.channels > 0) {
      const coarse = resizeBilinear(scores, height, width);
      channels.forEach((channel, k) => targets.set(plane(coarse, k), (i * classes + channel - 1) * cells));
    }
    inside.set(coarser(seen, labels, height, width), i * cells);
  });
  const feeds: Record<string, Tensor> = {
    photos: photoTensor(taught.map(({ image }) => image)),
    tags: { dims: [taught.length, classes], data: tags },
    inside: { dims: [taught.length, 1, height, width], data: inside },
    targets: { dims: [taught.length, classes, height, width], data: targets },
    ...labelFeeds(taught),
  };
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [prefix + name, tensor]));
}

/** Labels and their weights alone. @param pixelWeights of the items, 0..1 a pixel; default: all 1 */
export function labelFeeds(taught: readonly Pick<Taught, 'labels' | 'weight'>[], pixelWeights?: readonly Float32Array[]): { labels: Tensor; labelWeights: Tensor } {
  const [{ labels: { height, width } }] = taught;
  const size = height * width;
  const labels = new Uint8Array(taught.length * size);
  const weights = new Float32Array(taught.length * size);
  taught.forEach(({ labels: { data }, weight }, i) => {
    labels.set(data, i * size);
    const valid = data.reduce((count, label) => count + Number(label !== IGNORE), 0);
    const each = pixelWeights?.[i];
    data.forEach((label, p) => {
      if (label !== IGNORE) weights[i * size + p] = (weight * (each ? each[p] : 1)) / valid;
    });
  });
  const dims = [taught.length, height, width];
  return { labels: { dims, data: labels }, labelWeights: { dims, data: weights } };
}

/** 1 on each cell of which at least half is inside (all that have any part inside, if there is no such cell). */
export function coarser(inside: Uint8Array, { height: rows, width: columns }: { height: number; width: number }, height: number, width: number): Float32Array {
  const shares = Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let sum = 0;
    let count = 0;
    for (let row = Math.floor((y * rows) / height); row < Math.ceil(((y + 1) * rows) / height); row++) {
      for (let column = Math.floor((x * columns) / width); column < Math.ceil(((x + 1) * columns) / width); column++, count++) sum += inside[row * columns + column];
    }
    return sum / count;
  });
  const half = shares.some(share => share >= 0.5);
  return shares.map(share => Number(half ? share >= 0.5 : share > 0));
}
