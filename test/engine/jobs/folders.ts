/**
 * Folders of tagged pictures for tests of the jobs, and a backbone so small that a run over them takes a second: one convolution that
 * tells colours apart on the grid of a real one. Coloured boxes on a rippled ground, tagged by colour, are then learnt and masked as photos are.
 */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { serialise, type GraphDescription } from '../../../models/graph/serialise';
import { decodeMask } from '../../../src/dataset/maskFile';
import { createEngine, type Engine } from '../../../src/engine/engine';
import { generate } from '../../../src/engine/jobs/generate';
import type { LabelMap } from '../../../src/shared/maps';
import type { EngineEvent, Params, RunSummary } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS, type RunSettings } from '../../../src/shared/settings';
import { put, tempFolder } from '../../unit/dataset/temp';

export const engine = createEngine();

/** Differences of colour channels, brightness and its opposite, each cut at 0. */
const FILTERS = [[1, -1, 0], [-1, 1, 0], [0, -1, 1], [0, 1, -1], [1, 0, -1], [-1, 0, 1], [0.33, 0.33, 0.33], [-0.33, -0.33, -0.33]];
const STRIDE = 16;

/** Input `x`, output `y`: batch x 8 x rows x columns, a cell for 16 x 16 pixels. */
export function colourGraph(batch: number | string = 'batch'): GraphDescription {
  const area = STRIDE * STRIDE;
  return {
    name: 'colours',
    inputs: [{ name: 'x', dtype: 'float32', dims: [batch, 3, 'height', 'width'] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [batch, FILTERS.length, 'rows', 'columns'] }],
    initializers: [
      { name: 'filters', dtype: 'float32', dims: [FILTERS.length, 3, STRIDE, STRIDE], data: Float32Array.from(FILTERS.flatMap(weights => weights.flatMap(weight => Array<number>(area).fill(weight / area)))) },
      { name: 'start', dtype: 'float32', dims: [FILTERS.length], data: Float32Array.from(FILTERS, (_, i) => (i === FILTERS.length - 1 ? 1 : 0)) },
    ],
    nodes: [
      { op: 'Conv', inputs: ['x', 'filters', 'start'], outputs: ['differences'], attributes: { strides: [STRIDE, STRIDE], kernel_shape: [STRIDE, STRIDE] } },
      { op: 'Relu', inputs: ['differences'], outputs: ['y'], attributes: {} },
    ],
  };
}

export const colourJson = {
  kind: 'backbone',
  id: 'colours',
  name: 'Colours',
  input: { name: 'x', layout: 'NCHW', scale: 255, mean: [0, 0, 0], std: [1, 1, 1], multiple: STRIDE, pad: { left: 0, top: 0, right: 0, bottom: 0 }, longSide: 384 },
  outputs: [{ name: 'y', role: 'deep', kind: 'map', channels: FILTERS.length, stride: STRIDE }],
};

/** Writes a backbone and its description into `folder`; returns the path a person would give. */
export async function saveBackbone(folder: string, name: string, bytes: Uint8Array, description: unknown): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.onnx`), bytes);
  await writeFile(join(folder, `${name}.json`), JSON.stringify(description));
  return join(folder, `${name}.onnx`);
}

/** @param batch photos per run that the graph takes; any number if it is a name */
export function saveColours(folder: string, batch: number | string = 'batch'): Promise<string> {
  return saveBackbone(folder, `colours-${batch}`, serialise(colourGraph(batch)), colourJson);
}

export const COLOURS = { red: [210, 40, 40], green: [40, 190, 60], blue: [40, 60, 220] } as const;
export type Colour = keyof typeof COLOURS;

/** A grey ground with a box of each colour, side by side, each over the middle half of its part of the picture. */
export function boxes(width: number, height: number, ...colours: Colour[]): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  const share = width / Math.max(colours.length, 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const part = Math.min(colours.length - 1, Math.floor(x / share));
      const inside = colours.length > 0 && Math.abs(x - (part + 0.5) * share) < share / 4 && Math.abs(y - height / 2) < height / 4;
      const rgb = inside ? COLOURS[colours[part]] : [120, 120, 120];
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = rgb[c] + ((x * 7 + y * 13) % 11);
    }
  }
  return data;
}

export function picture(width: number, height: number, ...colours: Colour[]): Sharp {
  return sharp(boxes(width, height, ...colours), { raw: { width, height, channels: 3 } });
}

/** Photos by name -> the tags that stand in the folder's tags.json. */
export type Tags = Record<string, readonly string[]>;

/** Six pictures of 96 x 72 and such: two of red, two of blue, one of both, one of nothing. */
export async function colourFolder(t: TestContext, more: Record<string, Uint8Array> = {}, moreTags: Tags = {}): Promise<string> {
  const tags: Tags = {
    'red1.png': ['red'], 'red2.jpg': ['red'], 'blue1.png': ['blue'], 'blue2.jpg': ['blue'], 'both.png': ['red', 'blue'], 'none.png': [],
  };
  const files: Record<string, Uint8Array> = {};
  for (const [i, [name, colours]] of Object.entries(tags).entries()) {
    const drawn = picture(96 + 8 * i, 72 + 5 * (i % 3), ...(colours as Colour[]));
    files[name] = await (name.endsWith('.png') ? drawn.png() : drawn.jpeg({ quality: 95 })).toBuffer();
  }
  return taggedFolder(t, { ...files, ...more }, { ...tags, ...moreTags });
}

export async function taggedFolder(t: TestContext, files: Record<string, Uint8Array>, tags: Tags): Promise<string> {
  const root = await tempFolder(t, files);
  await put(root, { 'tags.json': JSON.stringify(tags) });
  return root;
}

/** The same data set once more, with all that `.seedmask` knows, or without. */
export async function copyOf(t: TestContext, root: string, keep: 'all' | 'photos' | 'photos and features' = 'all'): Promise<string> {
  const copy = await tempFolder(t);
  const dropped = keep === 'all' ? /(?!)/ : keep === 'photos' ? /\.seedmask|\.mask\.png$/ : /\.seedmask\/(?!cache)|\.mask\.png$/;
  await cp(root, copy, { recursive: true, filter: path => !dropped.test(path.slice(root.length)) });
  return copy;
}

export interface RunOptions {
  settings?: Partial<RunSettings>;
  photos?: string[];
  resume?: boolean;
  signal?: AbortSignal;
  onEvent?(event: EngineEvent): void;
  /** Another engine than this process's. */
  engine?: Engine;
}

/** One `generate` in this process: CPU, no saliency and the colours unless the settings say otherwise. */
export async function run(root: string, backbone: string | undefined, options: RunOptions = {}): Promise<{ summary: RunSummary; events: EngineEvent[] }> {
  const events: EngineEvent[] = [];
  const emit = (event: EngineEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  const summary = await generate(request(root, backbone, options), { emit, signal: options.signal ?? new AbortController().signal }, options.engine ?? engine);
  return { summary, events };
}

export function request(root: string, backbone: string | undefined, { settings, photos, resume }: RunOptions = {}): Params<'generate'> {
  return {
    root,
    settings: { ...DEFAULT_SETTINGS, device: 'cpu', saliency: false, ...(backbone !== undefined && { backbone }), ...settings },
    ...(photos && { photos }),
    ...(resume !== undefined && { resume }),
  };
}

/** Name -> bytes of every mask at and below `root`. */
export async function masksIn(root: string): Promise<Map<string, Buffer>> {
  const names = (await filesIn(root)).filter(name => name.endsWith('.mask.png')).sort();
  return new Map(await Promise.all(names.map(async name => [name, await readFile(join(root, name))] as const)));
}

export async function labels(root: string, mask: string): Promise<LabelMap> {
  return decodeMask(await readFile(join(root, mask))).labels;
}

/** The ids of a mask, sorted. */
export async function idsIn(root: string, mask: string): Promise<number[]> {
  return [...new Set((await labels(root, mask)).data)].sort((a, b) => a - b);
}

/** Temporary files that a write left. */
export async function leftovers(root: string): Promise<string[]> {
  return (await filesIn(root)).filter(name => name.endsWith('.tmp'));
}

export async function filesIn(root: string): Promise<string[]> {
  return (await readdir(root, { recursive: true })).map(name => name.replaceAll('\\', '/'));
}

/** Counts of a summary that a test compares. */
export function counts({ state, written, kept, skipped, failed }: RunSummary): [string, number, number, number, number] {
  return [state, written, kept, skipped, failed.length];
}
