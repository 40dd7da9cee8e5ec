/** Small data sets to be reviewed: photos, tags, masks of an engine that never ran, and strokes as a page sends them. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { sha256 } from '../../../src/dataset/hash';
import { Manifest, type ManifestEntry } from '../../../src/dataset/manifest';
import { decodeMask, encodeMask } from '../../../src/dataset/maskFile';
import { patchOf, type LabelPatch, type Rect } from '../../../src/shared/labelPatch';
import type { LabelMap } from '../../../src/shared/maps';
import type { ReviewSettings, Save } from '../../../src/shared/review';
import { put, tempFolder } from '../../unit/dataset/temp';

export const SETTINGS: ReviewSettings = { outputName: '{stem}.mask.png', backgroundNames: [] };
export const WIDTH = 12;
export const HEIGHT = 8;

export function photoBytes(width = WIDTH, height = HEIGHT, colour = '#406080'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } }).png().toBuffer();
}

/** `label` in the left half, background in the right. */
export function halfMask(label: number, width = WIDTH, height = HEIGHT): LabelMap {
  return { data: Uint8Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? label : 0)), width, height };
}

/** Photos named by `tags` (null: untagged), a tags.json, and nothing else. */
export async function photos(t: TestContext, tags: Record<string, string[] | null>): Promise<string> {
  const files: Record<string, Uint8Array | string> = { 'tags.json': JSON.stringify(tags) };
  for (const name of Object.keys(tags)) files[name] = await photoBytes();
  return tempFolder(t, files);
}

/** Puts a mask there as the engine would. */
export async function makeMask(root: string, photo: string, labels: LabelMap, more: Partial<ManifestEntry> = {}): Promise<string> {
  const bytes = encodeMask(labels);
  const manifest = await Manifest.open(root);
  const entry: ManifestEntry = {
    photo, source: sha256(await readFile(join(root, photo))), tags: [], key: 'k', output: sha256(bytes), device: 'cpu', state: 'auto', time: new Date().toISOString(), run: 'r', ...more,
  };
  await manifest.append(entry);
  await manifest.close();
  await put(root, { [maskName(photo)]: bytes });
  return sha256(bytes);
}

export const maskName = (photo: string): string => photo.replace(/\.\w+$/, '.mask.png');

export async function maskThere(root: string, photo: string): Promise<LabelMap> {
  return decodeMask(await readFile(join(root, maskName(photo)))).labels;
}

/** A stroke that gives `rect` one label; `labels` is changed as the page's mask is. */
export function stroke(labels: LabelMap, rect: Rect, label: number): LabelPatch {
  const before: number[] = [];
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      before.push(labels.data[y * labels.width + x]);
      labels.data[y * labels.width + x] = label;
    }
  }
  return patchOf(labels, rect, Uint8Array.from(before));
}

export function save(photo: string, base: string | null, more: Partial<Save> = {}): Save {
  return { photo, base, width: WIDTH, height: HEIGHT, patches: [], choices: [], overwrite: false, ...more };
}

/** Replaces a file by another program. */
export async function paintElsewhere(root: string, photo: string, labels: LabelMap): Promise<string> {
  const bytes = encodeMask(labels);
  await writeFile(join(root, maskName(photo)), bytes);
  return sha256(bytes);
}
