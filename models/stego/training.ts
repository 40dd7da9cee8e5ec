/**
 * Trains a STEGO-type head on the features of a folder. Likeness of photos is the cosine of their mean features; each step draws photos, for each
 * one of its nearest, chance photos and random points (bilinear between cells). All chance comes from one seed: same features, same head on the CPU.
 */
import { parameterShapes, startParameters, stegoTrainingGraph, type HeadParameters, type HeadShape, type Pulls } from './head';
import { uniform } from '../random';
import { Trainer } from '../trainer';
import { SeedMaskError } from '../../src/shared/errors';
import type { GraphHost, Tensor } from '../../src/shared/graph';
import { plane, type Maps } from '../../src/shared/maps';

export interface StegoOptions {
  /** Length of a code. */
  codes: number;
  steps: number;
  /** Photos of a step; points of each: `side` x `side`. */
  batch: number;
  side: number;
  /** Chance photos that each photo is compared with. */
  chances: number;
  /** Nearest photos that one is drawn from. */
  nearest: number;
  rate: number;
  /** Share of channels that codes do not see. */
  dropout: number;
  pulls: Pulls;
  seed: number;
}

/** The released configuration's weights and shifts; fewer steps and chance photos, for one folder on a CPU. */
export const STEGO_OPTIONS: StegoOptions = {
  codes: 64,
  steps: 1200,
  batch: 16,
  side: 11,
  chances: 2,
  nearest: 7,
  rate: 5e-4,
  dropout: 0.1,
  pulls: { self: { weight: 0.67, shift: 0.18 }, near: { weight: 0.25, shift: 0.12 }, far: { weight: 0.63, shift: 0.46 } },
  seed: 1,
};

export interface StegoHead extends HeadShape {
  /** Features are multiplied by this first, so that their mean square is 1: backbones differ in how loud they are. */
  scale: number;
  parameters: HeadParameters;
  /** Loss before each step. */
  losses: readonly number[];
}

/**
 * @param photos features, D x h x w each, on any grids; in memory together: give a sample of a large data set
 * @throws SeedMaskError 'nothing-to-learn' with fewer than 3 photos, 'numeric' where features or the loss are not finite, 'cancelled'.
 */
export async function trainStegoHead(host: GraphHost, photos: readonly Maps[], options: StegoOptions, signal?: AbortSignal, onStep?: (step: number) => void): Promise<StegoHead> {
  if (photos.length < 3) throw new SeedMaskError('nothing-to-learn', 'a head of codes needs at least 3 photos to compare');
  const [{ channels }] = photos;
  if (photos.some(photo => photo.channels !== channels)) throw new Error('photos of one head must have the same number of channels');
  if (!photos.every(({ data }) => data.every(Number.isFinite))) throw new SeedMaskError('numeric', 'the features hold NaN or infinity');
  const scale = loudness(photos);
  const random = uniform(options.seed);
  const shape: HeadShape = { channels, codes: options.codes };
  const near = nearestPhotos(photos, Math.min(options.nearest, photos.length - 1));
  const draw = (count: number): number => Math.min(count - 1, Math.floor(random() * count));
  const graph = stegoTrainingGraph({ ...shape, photos: options.batch, points: options.side ** 2, chances: options.chances }, options.pulls);
  const trainer = await Trainer.open(host, graph, startParameters(shape, random));
  const losses: number[] = [];
  try {
    for (let step = 0; step < options.steps; step++) {
      if (signal?.aborted) throw new SeedMaskError('cancelled', 'cancelled');
      const chosen = Array.from({ length: options.batch }, () => draw(photos.length));
      const points = (which: readonly number[]): Tensor => samplePoints(which.map(i => photos[i]), options.side ** 2, scale, random);
      const other = (i: number): number => (i + 1 + draw(photos.length - 1)) % photos.length;
      const feeds: Record<string, Tensor> = { photo: points(chosen), near: points(chosen.map(i => near[i][draw(near[i].length)])), kept: keptChannels(channels, options.dropout, random) };
      for (let k = 0; k < options.chances; k++) feeds[`far.${k}`] = points(chosen.map(other));
      losses.push(await trainer.step(feeds, options.rate));
      onStep?.(step + 1);
    }
    return { ...shape, scale, parameters: Object.fromEntries(parameterShapes(shape).map(([name]) => [name, trainer.parameter(name)])), losses };
  } finally {
    await trainer.release();
  }
}

/** For each photo the `count` others whose mean features are most like its own, the most like first (ties: the earlier photo). */
export function nearestPhotos(photos: readonly Maps[], count: number): number[][] {
  const means = photos.map(photo => {
    const mean = Float64Array.from({ length: photo.channels }, (_, c) => plane(photo, c).reduce((sum, value) => sum + value, 0));
    const length = Math.hypot(...mean) || 1;
    return mean.map(value => value / length);
  });
  return means.map((own, i) => {
    const others = means.flatMap((mean, j) => (j === i ? [] : [{ j, likeness: own.reduce((sum, value, c) => sum + value * mean[c], 0) }]));
    return others.sort((a, b) => b.likeness - a.likeness || a.j - b.j).slice(0, count).map(({ j }) => j);
  });
}

/** What brings the mean square of the features to 1; 1 where they are all 0. */
function loudness(photos: readonly Maps[]): number {
  let squares = 0;
  let count = 0;
  for (const { data } of photos) {
    for (const value of data) squares += value * value;
    count += data.length;
  }
  return squares > 0 ? Math.sqrt(count / squares) : 1;
}

/** Features times `scale` at random places of each photo, bilinear between the centres of cells: photos x points x D. */
function samplePoints(photos: readonly Maps[], points: number, scale: number, random: () => number): Tensor {
  const [{ channels }] = photos;
  const data = new Float32Array(photos.length * points * channels);
  let at = 0;
  for (const { data: values, height, width } of photos) {
    for (let p = 0; p < points; p++) {
      const y = random() * (height - 1);
      const x = random() * (width - 1);
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const down = top + 1 < height ? width : 0;
      const right = left + 1 < width ? 1 : 0;
      const [fy, fx] = [y - top, x - left];
      for (let c = 0; c < channels; c++, at++) {
        const cell = (c * height + top) * width + left;
        const upper = values[cell] * (1 - fx) + values[cell + right] * fx;
        const lower = values[cell + down] * (1 - fx) + values[cell + down + right] * fx;
        data[at] = (upper * (1 - fy) + lower * fy) * scale;
      }
    }
  }
  return { dims: [photos.length, points, channels], data };
}

function keptChannels(channels: number, dropout: number, random: () => number): Tensor {
  return { dims: [1, 1, channels], data: Float32Array.from({ length: channels }, () => (random() < dropout ? 0 : 1 / (1 - dropout))) };
}
