/** A made-up folder for the light decoder: features of few channels in which each class has a direction, photos of quarters, seeds that know a part of the truth. */
import * as v from 'valibot';
import type { BackboneSpec } from '../../../models/catalog';
import { QUICK, type Preset } from '../../../models/presets';
import { uniform } from '../../../models/random';
import { trainingSchema, type DecoderPreset } from '../../../models/trainingPreset';
import { sha256 } from '../../../src/dataset/hash';
import type { PhotoFeatures, Role } from '../../../src/engine/photoFeatures';
import type { TrainingData, TrainingPhoto } from '../../../src/engine/training/trainingStage';
import { resizeLabels } from '../../../src/pipeline/resize';
import { IGNORE, type LabelMap, type Maps, type RgbImage } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';

const CHANNELS = 8;
/** Cells, and pixels, along the sides of each photo. */
const [ROWS, COLUMNS, CELL] = [6, 8, 4];

export const SECTION: DecoderPreset = {
  epochs: 3, rounds: 1, batch: 32, rate: 0.02, weightDecay: 1e-4, warmUp: 0.2, members: 2, folds: 1, hidden: [12], dropout: { inputs: 0.1, hidden: 0.2 },
  inputs: { layers: [{ role: 'deep', dimensions: 5, spread: 0 }, { role: 'middle', dimensions: 4, spread: 0.5 }], root: false, sample: { photos: 8, cells: 400 }, colour: 0.5, place: 0.5, saliency: 0 },
  grid: 1, photos: 100, cellsPerPhoto: 40, seeds: { labels: 'certain', foreground: 0.6, background: 0.2, removed: 'background' }, holdAreas: false, average: 0, classWeight: 0.5, restricted: false, smoothing: 0, recursion: null,
};

export const RECURSION: NonNullable<DecoderPreset['recursion']> = {
  recurseFrom: 2, mixFrom: 3, mix: 'edgePredict', weights: { classification: 1, cam: 1, segmentation: 1, mixed: 1 }, certainFilter: { foreground: 0.5, background: 0.2 }, labels: 'cam', loss: 'l1', batch: 2, mixes: 3,
};

export function presetWith(decoder: DecoderPreset, seed = 1): Preset {
  const training = v.parse(trainingSchema, { seed, checkpointEvery: 5, samples: 0, puzzle: null, decoder });
  return { ...QUICK, pamr: { longSide: 32, dilations: [1, 2], iterations: 3 }, views: [{ longSide: 32, flip: false }], training };
}

export interface MadeFolder {
  data: TrainingData;
  /** What each pixel is, by photo. */
  truth: ReadonlyMap<string, LabelMap>;
  /** Pictures that were put through the "backbone". */
  extracted: RgbImage[];
}

/** Class 3 fills the left upper, class 7 the right lower quarter where it is there; colours tell pixels, features cells. */
export function makeFolder({ certain, removed }: { certain?: (photo: string) => LabelMap | undefined; removed?: boolean } = {}): MadeFolder {
  const kinds = [[3], [7], [3, 7], [], [3], [7], [3, 7], [3]];
  const photos: TrainingPhoto[] = kinds.map((ids, i) => ({ photo: `${i}.jpg`, sha256: sha256(`photo ${i}`), tags: ids.map(id => `class ${id}`), ids }));
  const truth = new Map(photos.map(({ photo, ids }) => [photo, truthOf(ids)]));
  const extracted: RgbImage[] = [];
  const image = (photo: string): RgbImage => painted(truth.get(photo) ?? truthOf([]));
  const data: TrainingData = {
    photos,
    classes: [{ id: 3, name: 'class 3' }, { id: 7, name: 'class 7' }],
    host: cpuHost(),
    model: { spec: { outputs: [{ role: 'deep', stride: CELL }, { role: 'middle', stride: CELL }] } as unknown as BackboneSpec, bytes: new Uint8Array(), sha256: '', inspection: { inputs: [], outputs: [] } } as unknown as TrainingData['model'],
    learnt: { classes: [], heads: [], sureness: new Map() },
    features: ({ photo }) => Promise.resolve(featuresOf(image(photo), Number.parseInt(photo))),
    tiles: ({ photo }) => Promise.resolve(new Map([...featuresOf(image(photo), 50 + Number.parseInt(photo)).layers].map(([role, [view]]) => [role, view]))),
    extract(picture) {
      extracted.push(picture);
      return Promise.resolve(featuresOf(picture, 99));
    },
    image: ({ photo }) => Promise.resolve(image(photo)),
    seed: ({ photo, ids }) => Promise.resolve(seedOf(truth.get(photo) ?? truthOf([]), ids, removed ?? false)),
    async mask({ photo, ids, sha256: hash }, scorer) {
      const picture = image(photo);
      const { data: scores, channels, height, width } = await scorer.scores({ image: picture, features: featuresOf(picture, Number.parseInt(photo)), ids, sha256: hash });
      const cells = height * width;
      const labels = Uint8Array.from({ length: cells }, (_, i) => [0, ...ids][Array.from({ length: channels }, (_c, c) => scores[c * cells + i]).reduce((best, p, c, all) => (p > all[best] ? c : best), 0)]);
      return resizeLabels({ data: labels, height, width }, picture.height, picture.width);
    },
    certain: ({ photo }) => Promise.resolve(certain?.(photo)),
    signal: new AbortController().signal,
    log: () => undefined,
  };
  return { data, truth, extracted };
}

function truthOf(ids: readonly number[]): LabelMap {
  const [height, width] = [ROWS * CELL, COLUMNS * CELL];
  return {
    height, width,
    data: Uint8Array.from({ length: height * width }, (_, p) => {
      const [below, right] = [p >= (height * width) / 2, p % width >= width / 2];
      return !below && !right && ids.includes(3) ? 3 : below && right && ids.includes(7) ? 7 : 0;
    }),
  };
}

const COLOURS: Record<number, [number, number, number]> = { 0: [40, 90, 60], 3: [220, 60, 50], 7: [70, 70, 230] };

function painted({ data, height, width }: LabelMap): RgbImage {
  return { height, width, data: Uint8Array.from({ length: data.length * 3 }, (_, i) => COLOURS[data[Math.floor(i / 3)]][i % 3]) };
}

/** Cells of a picture by its colours: a direction each for what is red, blue and neither, and noise. */
function featuresOf({ data, height, width }: RgbImage, seed: number): PhotoFeatures {
  const random = uniform(seed + 1);
  const layer = (shift: number): Maps => {
    const maps: Maps = { data: new Float32Array(CHANNELS * ROWS * COLUMNS), channels: CHANNELS, height: ROWS, width: COLUMNS };
    for (let i = 0; i < ROWS * COLUMNS; i++) {
      const y = Math.floor(((Math.floor(i / COLUMNS) + 0.5) * height) / ROWS);
      const x = Math.floor((((i % COLUMNS) + 0.5) * width) / COLUMNS);
      const [red, , blue] = data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
      const kind = red > 150 ? 0 : blue > 150 ? 1 : 2;
      for (let c = 0; c < CHANNELS; c++) maps.data[c * ROWS * COLUMNS + i] = (c === kind + shift ? 2 : 0.4) + 0.6 * random();
    }
    return maps;
  };
  return { layers: new Map<Role, Maps[]>([['deep', [layer(0)]], ['middle', [layer(2)]]]) };
}

/** Sure of the truth in the middle of things and far from them; `removed` takes class 3 away from the top rows, where debiasing is wrong. */
function seedOf({ data, height, width }: LabelMap, ids: readonly number[], removed: boolean) {
  const scores: Maps = { data: new Float32Array(ids.length * data.length), channels: ids.length, height, width };
  ids.forEach((id, k) => data.forEach((label, p) => (scores.data[k * data.length + p] = label === id ? (p % 3 === 0 ? 0.5 : 0.9) : p % 5 === 0 ? 0.3 : 0.05)));
  const mask = { data: data.map((label, p) => (removed && p < 8 * width && label === 3 ? 0 : label)), height, width };
  return { scores, mask, ...(removed && { removed: { data: data.map((label, p) => (removed && p < 8 * width && label === 3 ? 3 : 0)), height, width } }) };
}

/** A person's word on the upper rows of a photo of this folder. */
export function upperRows(rows: number, label: number): LabelMap {
  const [height, width] = [ROWS * CELL, COLUMNS * CELL];
  return { height, width, data: Uint8Array.from({ length: height * width }, (_, p) => (p < rows * width ? label : IGNORE)) };
}
