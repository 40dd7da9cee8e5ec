/**
 * True masks and predictions of others: PNGs in a folder of their own, called as the photo, perhaps with a table of classes of their own. Their ids are matched with
 * ours by class name.
 */
import { readFile } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { SeedMaskError } from '../shared/errors';
import { IGNORE, type LabelMap } from '../shared/maps';
import type { ClassTable } from './classTable';
import { decodeMask } from './maskFile';
import { errorCode } from './paths';

/**
 * The mask of a photo in a folder of masks: `<folder>/<folder of the photo>/<stem>.png`, or without the photo's folder. Nothing if there is none.
 * @throws SeedMaskError 'bad-mask' where it is damaged or cannot be read.
 */
export async function readNamedMask(folder: string, photo: string): Promise<LabelMap | undefined> {
  const stem = photo.replace(/\.[^./]+$/, '');
  return (await readMaskFile(join(folder, `${stem}.png`))) ?? readMaskFile(join(folder, `${posix.basename(stem)}.png`));
}

/** Nothing if there is no such file. @throws SeedMaskError 'bad-mask' where it is damaged or cannot be read. */
export async function readMaskFile(file: string): Promise<LabelMap | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new SeedMaskError('bad-mask', `${basename(file)} cannot be read (${code ?? String(error)})`, file, { cause: error });
  }
  return decodeMask(bytes).labels;
}

/** Id of `ours` -> id of `theirs`, by name; what they have no class for is 255, ids without a name stay. */
export function idMap(ours: ClassTable, theirs: ClassTable): Uint8Array {
  const map = Uint8Array.from({ length: 256 }, (_, id) => id);
  for (const { id, name } of ours.classes) map[id] = theirs.idOf(name) ?? IGNORE;
  return map;
}

export function relabel(mask: LabelMap, map: Uint8Array): LabelMap {
  return { ...mask, data: mask.data.map(id => map[id]) };
}
