/**
 * The contact sheet: one row a photo, with the photo, its class activation maps, its seed and its mask side by side. Everything comes from disk: the photos,
 * the masks beside them and the layers in `.seedmask/`; classes have the colours that their masks have.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawSheet, type SheetRow } from './sheetLayout';
import { camPanel, maskPanel, seedPanel } from './sheetPanels';
import { atomicWrite } from '../src/dataset/atomicWrite';
import { readClassTable, type ClassTable } from '../src/dataset/classTable';
import { dataPath } from '../src/dataset/folder';
import { readLayers } from '../src/dataset/layers';
import { decodeMask } from '../src/dataset/maskFile';
import { planOutputs } from '../src/dataset/outputs';
import { errorCode } from '../src/dataset/paths';
import { listRuns } from '../src/dataset/runs';
import { scanPhotos } from '../src/dataset/scan';
import { readPhoto, resizePhoto } from '../src/engine/images';
import { SeedMaskError } from '../src/shared/errors';
import type { RgbImage } from '../src/shared/maps';
import { DEFAULT_SETTINGS, type RunSettings } from '../src/shared/settings';

/** Largest picture of a cell, pixels. */
const CELL = { width: 380, height: 304 };
const MOST_ROWS = 12;

/**
 * Writes the sheet of up to `most` photos, spread evenly over those of the data set that have a mask and layers.
 * @returns how many are on it; with 0 nothing is written.
 */
export async function writeContactSheet(root: string, file: string, title: string, most = MOST_ROWS): Promise<number> {
  const run = (await listRuns(root))[0];
  const settings = run?.settings ?? DEFAULT_SETTINGS;
  const { photos } = await scanPhotos(root, { outputName: settings.outputName });
  const { outputs } = planOutputs(photos, settings.outputName);
  const table = await readClassTable(root);
  const drawable = photos.flatMap(photo => {
    const mask = outputs.get(photo);
    return mask !== undefined && existsSync(join(root, mask)) && existsSync(dataPath(root, 'layers', ...photo.split('/'), 'layers.json')) ? [{ photo, mask }] : [];
  });
  const rows: SheetRow[] = [];
  for (const candidate of spread(drawable, most)) {
    const row = await makeRow(root, candidate, table, settings);
    if (row) rows.push(row);
  }
  if (rows.length === 0) return 0;
  const about = [
    `${rows.length === photos.length ? '' : `${rows.length} of `}${photos.length} photos`,
    ...(run ? [`preset ${run.settings.preset}`, run.settings.saliency ? 'tags + saliency' : 'tags only', run.summary.device] : []),
  ].filter(text => text !== '');
  await atomicWrite(file, await drawSheet({ title, about: about.join('  ·  '), rows }));
  return rows.length;
}

interface Candidate {
  photo: string;
  mask: string;
}

/** At most `most` of `items`, first and last among them, evenly spaced between. */
export function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / Math.max(1, most - 1))]);
}

/** Nothing where the photo, its layers or its mask cannot be read any more. */
async function makeRow(root: string, { photo, mask }: Candidate, table: ClassTable, settings: RunSettings): Promise<SheetRow | undefined> {
  const picture = await readCell(join(root, photo), settings).catch(unreadable);
  const layers = await readLayers(root, photo);
  const labels = await readFile(join(root, mask)).then(bytes => decodeMask(bytes).labels).catch(unreadable);
  if (!picture || !layers || !labels) return undefined;
  const shown = new Set(labels.data);
  return {
    photo,
    mask,
    tags: layers.info.classes.map(({ id, name }) => ({ id, name: table.nameOf(id) ?? name, found: shown.has(id) })),
    panels: [picture, camPanel(picture, layers.cams), seedPanel(picture, layers.seed), maskPanel(picture, labels)],
  };
}

/** A file that a person has removed or damaged since; anything else is a bug. */
function unreadable(error: unknown): undefined {
  if (error instanceof SeedMaskError || errorCode(error) !== undefined) return undefined;
  throw error;
}

/** The photo as it is to be seen, small enough for a cell. */
async function readCell(file: string, { maxMegapixels, salvageDamaged }: RunSettings): Promise<RgbImage> {
  const { image } = await readPhoto(file, { maxMegapixels, salvage: salvageDamaged });
  const scale = Math.min(CELL.width / image.width, CELL.height / image.height);
  return resizePhoto(image, Math.max(1, Math.round(image.width * scale)), Math.max(1, Math.round(image.height * scale)));
}
