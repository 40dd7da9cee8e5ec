/**
 * A review of made photos and masks of any size, for tests and for `bench/review.ts`: a photo with smooth colours and edges, a mask of ellipses of several classes, all
 * kinds of layers. The same sizes give the same bytes.
 */
import sharp from 'sharp';
import { encodeRuns } from '../../src/shared/labelRuns';
import type { LabelMap } from '../../src/shared/maps';
import type { Layer, QueueItem } from '../../src/shared/review';
import { EMPTY_SESSION, type FakePhoto, type FakeReview } from './fakeReview';

export interface MadeOptions {
  sizes: readonly { width: number; height: number }[];
  /** Number of classes in the table, 0..254. Masks show the first twelve. */
  classes?: number;
  /** Without any layer but the mask. */
  bare?: boolean;
}

const SHOWN = 12;

export function madeReview({ sizes, classes = 5, bare = false }: MadeOptions): FakeReview {
  const names = Array.from({ length: classes }, (_, i) => ({ id: i + 1, name: `class ${i + 1}` }));
  const items = sizes.map((_, index): QueueItem => ({
    photo: `made/${index}.jpg`,
    mask: `made/${index}.mask.png`,
    state: 'auto',
    tags: names.slice(0, SHOWN).map(({ id }) => id),
    areas: null,
    uncertainty: { ignore: null, entropy: null, fragile: null, size: null },
    change: null,
    removedRegions: 0,
  }));
  const made = new Map<number, Promise<FakePhoto>>();
  const photo = (index: number): Promise<FakePhoto> => {
    const there = made.get(index) ?? makePhoto(index, sizes[index], Math.min(classes, SHOWN), bare);
    made.set(index, there);
    return there;
  };
  return {
    session: { ...EMPTY_SESSION, name: 'made', classes: [{ id: 0, name: 'background' }, ...names], items },
    photo,
    thumbnail: async (index, longSide) => new Uint8Array(await sharp((await photo(index)).file.bytes).resize(longSide, longSide, { fit: 'inside' }).jpeg().toBuffer()),
    classes: async () => [],
  };
}

/** Ellipses of the classes 1..`classes` in a ring, each surrounded by 'ignore'. Its pixel at the middle of ellipse `k` has label k + 1. */
export function madeMask(width: number, height: number, classes: number): LabelMap {
  const data = new Uint8Array(width * height);
  for (let k = 0; k < classes; k++) {
    const angle = (k / classes) * 2 * Math.PI;
    const [cx, cy] = [width * (0.5 + 0.33 * Math.cos(angle)), height * (0.5 + 0.33 * Math.sin(angle))];
    const [rx, ry] = [Math.max(0.6, width * 0.12), Math.max(0.6, height * 0.1)];
    for (let y = Math.max(0, Math.floor(cy - ry * 1.1)); y < Math.min(height, cy + ry * 1.1); y++) {
      for (let x = Math.max(0, Math.floor(cx - rx * 1.1)); x < Math.min(width, cx + rx * 1.1); x++) {
        const d = ((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2;
        if (d <= 1) data[y * width + x] = k + 1;
        else if (d <= 1.15 && data[y * width + x] === 0) data[y * width + x] = 255;
      }
    }
  }
  return { data, width, height };
}

async function makePhoto(index: number, { width, height }: { width: number; height: number }, classes: number, bare: boolean): Promise<FakePhoto> {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels[at++] = 90 + ((x * 120) / width) + ((x ^ y) & 15);
      pixels[at++] = 80 + ((y * 120) / height) + ((x + index * 40) & 31);
      pixels[at++] = 120 + (((x >> 6) + (y >> 6)) % 2) * 30;
    }
  }
  const bytes = new Uint8Array(await sharp(pixels, { raw: { width, height, channels: 3 } }).jpeg({ quality: 85 }).toBuffer());
  const mask = madeMask(width, height, classes);
  const runs = encodeRuns(mask.data);
  const layers: Layer[] = [];
  if (!bare) {
    const [w, h] = [Math.min(width, 64), Math.min(height, 48)];
    for (const kind of ['cam', 'refined'] as const) {
      for (let id = 1; id <= Math.min(classes, 3); id++) layers.push({ kind, classId: id, width: w, height: h, data: bump(w, h, id / 4), made: `${kind} of class ${id}, made up`, thresholds: { background: 0.26 } });
    }
    const small = madeMask(Math.min(width, 320), Math.min(height, 240), classes);
    layers.push({ kind: 'seed', width: small.width, height: small.height, data: encodeRuns(small.data), made: 'Seed, made up', thresholds: {} });
    const before = { ...mask, data: mask.data.map((id, i) => (id === 0 && (i % width) < width / 8 ? 1 : id)) };
    layers.push({ kind: 'before', width, height, data: encodeRuns(before.data), made: 'Before, made up', thresholds: {} });
    layers.push({ kind: 'removed', width, height, data: encodeRuns(before.data.map((id, i) => (id === mask.data[i] ? 0 : id))), made: 'Removed, made up', thresholds: {} });
    layers.push({ kind: 'truth', width, height, data: runs, made: 'True mask', thresholds: {} });
  }
  const view = {
    photo: `made/${index}.jpg`,
    width,
    height,
    source: '0'.repeat(64),
    mask: { hash: '1'.repeat(64), width, height, runs },
    layers,
    evidence: [],
    hints: { boxes: [], points: [], scribbles: [] },
  };
  return { view, file: { bytes, type: 'image/jpeg' } };
}

/** Scores that are highest at `at` of the width. */
function bump(width: number, height: number, at: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const d = ((i % width) / width - at) ** 2 + (Math.floor(i / width) / height - 0.5) ** 2;
    return Math.round(255 * Math.exp(-d * 20));
  });
}
