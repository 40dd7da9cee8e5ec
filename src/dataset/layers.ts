/**
 * The layers that explain a mask: the class activation maps of a photo, these maps refined, and the seed, at low resolution, in
 * `.seedmask/layers/<photo>/` (`cam.<id>.png`, `refined.<id>.png`, `seed.png`, `layers.json`). They are caches: damaged or half-written ones read as absent.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import type { LabelMap, Maps } from '../shared/maps';
import { plane } from '../shared/maps';
import { atomicWrite, removeOrphans } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { decodeMask, encodeMask } from './maskFile';
import { decodePng, encodePng } from './png';

const MAX_LAYER_PIXELS = 16_000_000;

const infoSchema = v.object({
  /** Name -> value of what decides: background scores of 'cam' and 'refined' maps, 'foreground' and 'background' of the seed. */
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
  /** The same after SCG and PAMR; may have another size. */
  refined: Maps;
  /** Class ids and 255; may have another size than the maps. */
  seed: LabelMap;
}

/** Where the layers of a photo lie. */
export const folderOfLayers = (root: string, photo: string): string => dataPath(root, 'layers', ...photo.split('/'));

/**
 * `photo` is an id from the scan. Scores outside 0..1 are clipped.
 * @throws SeedMaskError 'numeric' (a score is no number), and as atomicWrite does.
 */
export async function writeLayers(root: string, photo: string, { info, cams, refined, seed }: Layers): Promise<void> {
  const stacks = { cam: cams, refined };
  const files = Object.entries(stacks).flatMap(([name, maps]) => {
    if (maps.channels !== info.classes.length) throw new Error(`${maps.channels} ${name} maps for ${info.classes.length} classes`);
    return info.classes.map(({ id }, c): [string, Uint8Array] => [`${name}.${id}.png`, encodePng(toBytes(plane(maps, c), photo), maps.width, maps.height)]);
  });
  files.push(['seed.png', encodeMask(seed)]);
  const folder = folderOfLayers(root, photo);
  const index = join(folder, 'layers.json');
  await makeFolderFor(index);
  await removeOrphans(folder);
  await rm(index, { force: true });
  for (const [name, bytes] of files) await atomicWrite(join(folder, name), bytes);
  await atomicWrite(index, `${JSON.stringify(info)}\n`);
}

/** Forgets the layers of a photo: its mask is not made from maps any more. */
export async function removeLayers(root: string, photo: string): Promise<void> {
  await rm(folderOfLayers(root, photo), { recursive: true, force: true }).catch(() => undefined);
}

/** Nothing if the photo has no whole set of layers. */
export async function readLayers(root: string, photo: string): Promise<Layers | undefined> {
  const folder = folderOfLayers(root, photo);
  try {
    const info = v.parse(infoSchema, JSON.parse(await readFile(join(folder, 'layers.json'), 'utf8')));
    const ids = info.classes.map(({ id }) => id);
    const cams = await readMaps(folder, 'cam', ids);
    const refined = await readMaps(folder, 'refined', ids);
    const seed = decodeMask(await readFile(join(folder, 'seed.png')), MAX_LAYER_PIXELS).labels;
    return cams && refined && { info, cams, refined, seed };
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return undefined;
  }
}

/** Grey pictures of one size, one a class. */
async function readMaps(folder: string, name: string, ids: readonly number[]): Promise<Maps | undefined> {
  const maps = await Promise.all(ids.map(async id => decodePng(await readFile(join(folder, `${name}.${id}.png`)), MAX_LAYER_PIXELS)));
  const { width, height } = maps[0] ?? { width: 0, height: 0 };
  if (maps.some(map => map.width !== width || map.height !== height || map.channels !== 1 || map.depth !== 8)) return undefined;
  const data = new Float32Array(maps.length * width * height);
  maps.forEach((map, c) => data.set(Float32Array.from(map.samples, value => value / 255), c * width * height));
  return { data, channels: maps.length, height, width };
}

function toBytes(scores: Float32Array, photo: string): Uint8Array {
  return Uint8Array.from(scores, score => {
    if (Number.isNaN(score)) throw new SeedMaskError('numeric', 'a score of its activation map is not a number', photo);
    return Math.round(255 * Math.min(1, Math.max(0, score)));
  });
}
