/**
 * What debiasing leaves on disk, so that it can be looked at, explained and taken back:
 *
 *     .seedmask/evidence/<photo>.jsonl    a line per removed region: its evidence, and its pixels (`pixels`, see regionPixels.ts)
 *     .seedmask/evidence/classes.json     a summary per class
 *     .seedmask/evidence/choices.jsonl    a person's words on regions and classes (choices.ts)
 *     .seedmask/evidence/centroids.bin    the data set's centroids: what a later run starts from
 *     .seedmask/evidence/space.bin        the feature space that they are in
 *     .seedmask/evidence/state.json       what the last whole run was made from: nothing changed, nothing to do
 *     .seedmask/layers/<photo>/           before.png    the mask before, the very bytes that a run without debiasing writes
 *                                         removed.png   class id where a pixel was removed (restored regions included), else 0
 *                                         similarity.png  the map that was cut; below it, the tag of each cell's best prototype
 *                                         clusters.png  class of each cell of the feature grid (255: none); below it, the cluster within the class
 *                                         mars.json     what these were made from
 *
 * `home` is the data set's root, or the folder of masks from elsewhere (debiased.ts). All but the choices are caches. Damaged or half-written ones read as absent.
 */
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { classEvidenceSchema, evidenceSchema, type ClassEvidence } from '../shared/evidence';
import type { LabelMap } from '../shared/maps';
import { atomicWrite } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';
import { folderOfLayers } from './layers';
import { decodeMask, encodeMask } from './maskFile';
import { decodePng, encodePng } from './png';

const MAX_GRID_PIXELS = 16_000_000;
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const regionSchema = v.object({ ...evidenceSchema.entries, pixels: v.array(count) });
/** A removed region: its evidence and its pixels. */
export type RegionRecord = v.InferOutput<typeof regionSchema>;

const madeSchema = v.object({
  /** Hash of all that decided: mask before, features, prototypes, settings. Not choices, nor what removed pixels become. */
  science: hash,
  /** sha256 of before.png. */
  before: hash,
});
export type MarsMade = v.InferOutput<typeof madeSchema>;

/** Two bytes for each cell of a grid: value and best tag, or class and cluster. */
export interface CellPair {
  height: number;
  width: number;
  first: Uint8Array;
  second: Uint8Array;
}

export interface MarsLayers {
  before: LabelMap;
  removed: LabelMap;
  /** `first`: 0..255 for 0..1; `second`: class id. */
  similarity: CellPair;
}

const stateSchema = v.object({ inputs: hash, choices: hash, removedAs: v.string() });
export type MarsState = v.InferOutput<typeof stateSchema>;

export const centroidsFile = (home: string): string => dataPath(home, 'evidence', 'centroids.bin');
/** The feature space that the centroids are in. */
export const spaceFile = (home: string): string => dataPath(home, 'evidence', 'space.bin');
/** A STEGO-type head that was learnt on the folder, as a model; its description is beside it. */
export const stegoFile = (home: string): string => dataPath(home, 'evidence', 'stego.onnx');
const evidenceFile = (home: string, photo: string): string => dataPath(home, 'evidence', ...`${photo}.jsonl`.split('/'));
const classesFile = (home: string): string => dataPath(home, 'evidence', 'classes.json');
const stateFile = (home: string): string => dataPath(home, 'evidence', 'state.json');
const layerFile = (home: string, photo: string, name: string): string => join(folderOfLayers(home, photo), name);

/** What pass 2 made of a photo. `before`: the bytes of the mask file. @throws SeedMaskError as atomicWrite does. */
export async function writeMars(
  home: string,
  photo: string,
  { science, before, removed, similarity, regions }: { science: string; before: Uint8Array; removed: LabelMap; similarity: CellPair; regions: readonly RegionRecord[] },
): Promise<void> {
  const index = layerFile(home, photo, 'mars.json');
  const evidence = evidenceFile(home, photo);
  await makeFolderFor(index);
  await makeFolderFor(evidence);
  await rm(index, { force: true });
  await atomicWrite(layerFile(home, photo, 'before.png'), before);
  await atomicWrite(layerFile(home, photo, 'removed.png'), encodeMask(removed));
  await atomicWrite(layerFile(home, photo, 'similarity.png'), encodePair(similarity));
  await atomicWrite(evidence, regions.map(region => `${JSON.stringify(region)}\n`).join(''));
  const made: MarsMade = { science, before: sha256(before) };
  await atomicWrite(index, `${JSON.stringify(made)}\n`);
}

/** What the layers of a photo were made from; nothing if they are not whole. */
export async function readMarsMade(home: string, photo: string): Promise<MarsMade | undefined> {
  return readJson(layerFile(home, photo, 'mars.json'), madeSchema);
}

/** The bytes of the mask before, if they are those of `hash`. */
export async function readBefore(home: string, photo: string, before: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(layerFile(home, photo, 'before.png')).catch(() => undefined);
  return bytes && sha256(bytes) === before ? bytes : undefined;
}

/** The layers of debiasing; nothing if the photo has no whole set. */
export async function readMarsLayers(home: string, photo: string): Promise<MarsLayers | undefined> {
  const made = await readMarsMade(home, photo);
  const before = made && (await readBefore(home, photo, made.before));
  if (!before) return undefined;
  return whole(async () => {
    const similarity = await readPair(layerFile(home, photo, 'similarity.png'));
    return { before: decodeMask(before).labels, removed: decodeMask(await readFile(layerFile(home, photo, 'removed.png'))).labels, similarity };
  });
}

/** The removed regions of a photo, restored ones included; none where nothing was removed or debiasing did not run. Damaged lines are left out. */
export async function readRegions(home: string, photo: string): Promise<RegionRecord[]> {
  const text = await readFile(evidenceFile(home, photo), 'utf8').catch(() => '');
  return text.split('\n').flatMap(line => {
    const region = line === '' ? undefined : parse(line, regionSchema);
    return region ? [region] : [];
  });
}

/** Forgets what debiasing made of a photo; its clusters stay. */
export async function removeMars(home: string, photo: string): Promise<void> {
  const files = [layerFile(home, photo, 'mars.json'), ...['before.png', 'removed.png', 'similarity.png'].map(name => layerFile(home, photo, name)), evidenceFile(home, photo)];
  for (const file of files) await rm(file, { force: true }).catch(() => undefined);
}

/** Which cluster each cell of the feature grid is in: `first` class id (255: none), `second` cluster within it. */
export async function writeClusterGrid(home: string, photo: string, grid: CellPair): Promise<void> {
  const file = layerFile(home, photo, 'clusters.png');
  await makeFolderFor(file);
  await atomicWrite(file, encodePair(grid));
}

export async function readClusterGrid(home: string, photo: string): Promise<CellPair | undefined> {
  return whole(() => readPair(layerFile(home, photo, 'clusters.png')));
}

export async function hasClusterGrid(home: string, photo: string): Promise<boolean> {
  return stat(layerFile(home, photo, 'clusters.png')).then(found => found.size > 0, () => false);
}

export async function writeClassEvidence(home: string, classes: readonly ClassEvidence[]): Promise<void> {
  const file = classesFile(home);
  await makeFolderFor(file);
  await atomicWrite(file, `[\n${classes.map(one => JSON.stringify(one)).join(',\n')}\n]\n`);
}

/** Summaries of the classes; none where debiasing did not run. */
export async function readClassEvidence(home: string): Promise<ClassEvidence[]> {
  return (await readJson(classesFile(home), v.array(classEvidenceSchema))) ?? [];
}

/** `undefined` forgets it: something changed, and nothing is known to be up to date. */
export async function writeMarsState(home: string, state: MarsState | undefined): Promise<void> {
  const file = stateFile(home);
  if (!state) return void (await rm(file, { force: true }));
  await makeFolderFor(file);
  await atomicWrite(file, `${JSON.stringify(state)}\n`);
}

export async function readMarsState(home: string): Promise<MarsState | undefined> {
  return readJson(stateFile(home), stateSchema);
}

function encodePair({ height, width, first, second }: CellPair): Uint8Array {
  const both = new Uint8Array(2 * height * width);
  both.set(first);
  both.set(second, height * width);
  return encodePng(both, width, 2 * height);
}

/** @throws SeedMaskError or Error if the file is no such picture */
async function readPair(file: string): Promise<CellPair> {
  const { width, height: rows, channels, depth, samples } = decodePng(await readFile(file), MAX_GRID_PIXELS);
  if (channels !== 1 || depth !== 8 || rows % 2 !== 0) throw new Error(`${file} holds no pairs`);
  const height = rows / 2;
  return { height, width, first: Uint8Array.from(samples.subarray(0, height * width)), second: Uint8Array.from(samples.subarray(height * width)) };
}

async function readJson<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parse(text, schema);
}

function parse<T>(text: string, schema: v.GenericSchema<unknown, T>): T | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** What `read` gives, or nothing where a file is missing or damaged. */
async function whole<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return undefined;
  }
}
