/**
 * Masks from elsewhere, debiased: where they are found, and where what is known of the debiased ones lies. They get a name of their own beside the photo
 * (`{stem}.debiased.png`), are never written over, and their evidence has a home of its own, so that the data set's own masks, manifest and evidence stay as they are:
 *
 *     .seedmask/debiased/debias.json      which masks these are, and the debiased ones' name
 *     .seedmask/debiased/.seedmask/…      manifest.jsonl, layers/, evidence/ as in the data set's own folder
 */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { baseName, folderOf, stemOf } from './paths';

export const DEBIASED_NAME = '{stem}.debiased.png';

const recordSchema = v.object({ masks: v.string(), outputName: v.string() });

/** Where the state of debiased masks from elsewhere lies: the `home` of evidence, manifest and layers. */
export function debiasedHome(root: string): string {
  return dataPath(root, 'debiased');
}

/** The home of what is known of the masks called `outputName`: the data set's root, or the folder of masks from elsewhere. */
export async function homeOf(root: string, outputName: string): Promise<string> {
  return (await readRecord(root))?.outputName === outputName ? debiasedHome(root) : root;
}

export async function writeDebiasedRecord(root: string, record: { masks: string; outputName: string }): Promise<void> {
  const file = join(debiasedHome(root), 'debias.json');
  await makeFolderFor(file);
  await atomicWrite(file, `${JSON.stringify(record)}\n`);
}

async function readRecord(root: string): Promise<v.InferOutput<typeof recordSchema> | undefined> {
  try {
    return v.parse(recordSchema, JSON.parse(await readFile(join(debiasedHome(root), 'debias.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Where masks from elsewhere are. */
export interface MaskInput {
  /** The mask file of a photo, absolute; nothing if it has none. */
  find(photo: string): Promise<string | undefined>;
}

/** What masks in a folder may be called. */
const USUAL_NAMES = ['{stem}.png', '{name}.png', '{stem}.mask.png', '{stem}_mask.png'];

/**
 * @param masks a folder, in which masks are called as their photos (with or without the photo's folder); or a pattern with `{stem}` or `{name}`, relative to the photo's
 * folder, else to the root. A relative path starts at the root.
 * @throws SeedMaskError 'removed' if a folder is named that is not there
 */
export async function maskInput(root: string, masks: string): Promise<MaskInput> {
  const isPattern = /\{(stem|name)\}/.test(masks);
  const absolute = isAbsolute(masks) ? masks : join(root, masks);
  if (!isPattern && !(await stat(absolute).then(found => found.isDirectory(), () => false))) {
    throw new SeedMaskError('removed', 'there is no such folder of masks; give a folder, or a pattern like {stem}_sam.png', masks);
  }
  const candidates = (photo: string): string[] => {
    const folder = folderOf(photo);
    if (!isPattern) return USUAL_NAMES.flatMap(name => [join(absolute, folder, filled(name, photo)), join(absolute, filled(name, photo))]);
    const name = filled(masks.replaceAll('\\', '/'), photo);
    if (isAbsolute(masks)) return [join(posix.dirname(name), folder, posix.basename(name)), name];
    return [join(root, folder, name), join(root, posix.dirname(name), folder, posix.basename(name)), join(root, name)];
  };
  return {
    async find(photo) {
      for (const file of candidates(photo)) {
        if (file !== join(root, photo) && (await stat(file).then(found => found.isFile(), () => false))) return file;
      }
      return undefined;
    },
  };
}

/** Whether `photo` is itself one of the masks that `masks` names, and not a photo. */
export function isMaskOf(masks: string, photo: string): boolean {
  const pattern = /\{(stem|name)\}/.test(masks) ? masks.slice(Math.max(masks.lastIndexOf('/'), masks.lastIndexOf('\\')) + 1) : undefined;
  if (pattern === undefined) return false;
  const [head, tail] = pattern.split(/\{(?:stem|name)\}/);
  const name = baseName(photo);
  return (head !== '' || tail !== '.png') && name.length > head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

function filled(pattern: string, photo: string): string {
  return pattern.replaceAll('{stem}', stemOf(photo)).replaceAll('{name}', baseName(photo));
}
