/**
 * Small pictures of photos, kept in memory while there is room; where a cluster is asked for, its cells on the feature grid are outlined. Two are made at a time: a
 * page asks for many at once and shows the first ones first.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readClusterGrid, type CellPair } from '../../dataset/evidenceStore';
import { SeedMaskError } from '../../shared/errors';
import type { RgbImage } from '../../shared/maps';
import type { Params } from '../../shared/protocol';
import { smallPicture, toJpeg } from './pictures';
import { setWith, type ReviewSet } from './reviewSet';

type Wanted = Params<'reviewThumbnails'>['wanted'][number];

const AT_ONCE = 2;
const MOST_BYTES = 64_000_000;
/** The grid's ignored cells. */
const NONE = 255;

const kept = new Map<string, Uint8Array>();
let keptBytes = 0;

/** In the order asked for; null where a photo is none of this folder or cannot be read. */
export async function reviewThumbnails({ root, longSide, wanted }: Params<'reviewThumbnails'>): Promise<{ thumbnails: (Uint8Array | null)[] }> {
  const set = await setWith(root, undefined, wanted.map(({ photo }) => photo));
  const thumbnails: (Uint8Array | null)[] = wanted.map(() => null);
  const left = wanted.entries();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const [i, one] of left) {
      try {
        await set.check(one.photo);
        thumbnails[i] = await thumbnail(set, longSide, one);
      } catch (error) {
        if (!(error instanceof SeedMaskError)) throw error;
      }
    }
  }));
  return { thumbnails };
}

async function thumbnail({ root, home }: ReviewSet, longSide: number, { photo, cluster }: Wanted): Promise<Uint8Array> {
  const file = join(root, photo);
  const found = await stat(file).catch(() => undefined);
  const name = JSON.stringify([file, found?.size, found?.mtimeMs, longSide, cluster?.classId, cluster?.cluster]);
  const old = kept.get(name);
  if (old) {
    kept.delete(name);
    kept.set(name, old);
    return old;
  }
  const picture = await smallPicture(file, photo, longSide);
  const grid = cluster && (await readClusterGrid(home, photo));
  if (grid) outline(picture, grid, cluster.classId, cluster.cluster);
  const made = await toJpeg(picture);
  // What is outlined may change with the next run.
  if (!cluster) keep(name, made);
  return made;
}

function keep(name: string, made: Uint8Array): void {
  kept.set(name, made);
  keptBytes += made.length;
  for (const [oldest, bytes] of kept) {
    if (keptBytes <= MOST_BYTES) break;
    kept.delete(oldest);
    keptBytes -= bytes.length;
  }
}

/** Draws the border of a cluster's cells: a light line inside it, a dark one outside, seen on any photo. */
export function outline({ data, width, height }: RgbImage, grid: CellPair, classId: number, cluster: number): void {
  const inside = (x: number, y: number): boolean => {
    if (x < 0 || y < 0 || x >= width || y >= height) return false;
    const cell = Math.floor((y * grid.height) / height) * grid.width + Math.floor((x * grid.width) / width);
    return grid.first[cell] !== NONE && grid.first[cell] === classId && grid.second[cell] === cluster;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = inside(x, y);
      const border = inside(x - 1, y) !== here || inside(x + 1, y) !== here || inside(x, y - 1) !== here || inside(x, y + 1) !== here;
      if (border && (here || (x > 0 && y > 0 && x < width - 1 && y < height - 1))) data.fill(here ? 255 : 0, 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  }
}
