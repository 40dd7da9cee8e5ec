/**
 * The layers that explain a mask: the class activation maps and the seed of a photo, at low resolution, in
 * `.seedmask/layers/<photo>/`. They are caches: damaged or half-written ones read as absent.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import type { LabelMap, Maps } from '../shared/maps';
import { plane } from '../shared/maps';
import { atomicWrite } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { decodeMask, encodeMask } from './maskFile';
import { decodePng, encodePng } from './png';

const MAX_LAYER_PIXELS = 16_000_000;

const infoSchema = v.object({
  /** What the maps are: 'cam', 'scg', 'pamr', … */
  stage: v.string(),
  /** Name -> value of what decided the seed. */
  thresholds: v.record(v.string(), v.number()),
  /** Id or hash of the models. */
  model: v.string(),
  /** Class of each map, in order. */
  classes: v.array(v.object({ id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(254)), name: v.string() })),
});
export type LayerInfo = v.InferOutput<typeof infoSchema>;

export interface Layers {
  info: LayerInfo;
  /** One map per class of `info`, C x h x w, 0..1; kept in steps of 1/255. */
  cams: Maps;
  /** Class ids and 255; may have another size than the maps. */
  seed: LabelMap;
}

const folderOfLayers = (root: string, photo: string): string => dataPath(root, 'layers', ...photo.split('/'));

/**
 * `photo` is an id from the scan. Scores outside 0..1 are clipped.
 * @throws SeedMaskError 'numeric' (a score is no number), and as atomicWrite does.
 */
export async function writeLayers(root: string, photo: string, { info, cams, seed }: Layers): Promise<void> {
  if (cams.channels !== info.classes.length) throw new Error(`${cams.channels} maps for ${info.classes.length} classes`);
  const files = info.classes.map(({ id }, c): [string, Uint8Array] => [`cam.${id}.png`, encodePng(toBytes(plane(cams, c), photo), cams.width, cams.height)]);
  files.push(['seed.png', encodeMask(seed)]);
  const folder = folderOfLayers(root, photo);
  const index = join(folder, 'layers.json');
  await makeFolderFor(index);
  await rm(index, { force: true });
  for (const [name, bytes] of files) await atomicWrite(join(folder, name), bytes);
  await atomicWrite(index, `${JSON.stringify(info)}\n`);
}

/** Nothing if the photo has no whole set of layers. */
export async function readLayers(root: string, photo: string): Promise<Layers | undefined> {
  const folder = folderOfLayers(root, photo);
  try {
    const info = v.parse(infoSchema, JSON.parse(await readFile(join(folder, 'layers.json'), 'utf8')));
    const maps = await Promise.all(info.classes.map(async ({ id }) => decodePng(await readFile(join(folder, `cam.${id}.png`)), MAX_LAYER_PIXELS)));
    const seed = decodeMask(await readFile(join(folder, 'seed.png')), MAX_LAYER_PIXELS).labels;
    const { width, height } = maps[0] ?? seed;
    if (maps.some(map => map.width !== width || map.height !== height || map.channels !== 1 || map.depth !== 8)) return undefined;
    const data = new Float32Array(maps.length * width * height);
    maps.forEach((map, c) => data.set(Float32Array.from(map.samples, value => value / 255), c * width * height));
    return { info, cams: { data, channels: maps.length, height, width }, seed };
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return undefined;
  }
}

function toBytes(scores: Float32Array, photo: string): Uint8Array {
  return Uint8Array.from(scores, score => {
    if (Number.isNaN(score)) throw new SeedMaskError('numeric', 'a score of its activation map is not a number', photo);
    return Math.round(255 * Math.min(1, Math.max(0, score)));
  });
}
