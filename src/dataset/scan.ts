/**
 * Finds the photos of a data set: a depth-first walk that reads one folder at a time, so that a hundred thousand files
 * neither block nor pile up. Left out: hidden files and folders, node_modules, masks (ours, and whatever the output name
 * would write), folders of true masks beside the photos or their folder (masks/ beside images/), links that lead out of the
 * folder and links to folders (which would be seen twice, or for ever).
 */
import { opendir, realpath, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { SeedMaskError } from '../shared/errors';
import { isPhotoFolder, isTruthFolder } from './layout';
import { foldName, possibleOutputs } from './outputs';
import { baseName, byCodeUnits, errorCode, isInside, printable } from './paths';

/** What may be a photo, by its name. The decoder looks at the bytes; formats it cannot read (bmp) fail there, with the reason. */
export const PHOTO = /\.(jpe?g|jfif|png|webp|tiff?|gif|avif|heic|heif|bmp)$/i;
const MASK = /\.(mask|debiased)\.png$/i;
const SKIPPED_FOLDERS = new Set(['node_modules', '__macosx']);
const MAX_DEPTH = 64;

export interface ScanOptions {
  /** Pattern of the masks' names, see outputs.ts. */
  outputName: string;
  signal?: AbortSignal;
  /** Told how many photos were found so far, once per folder. */
  onFound?: (photos: number) => void;
}

export interface Scan {
  /** Posix paths relative to the root, in code-unit order. */
  photos: string[];
  /** What was refused or could not be read, one line each. */
  notes: string[];
}

/**
 * All photos at and below `root` (absolute).
 * @throws SeedMaskError 'removed' or 'io' (no such folder, not a folder, unreadable), 'cancelled'.
 */
export async function scanPhotos(root: string, options: ScanOptions): Promise<Scan> {
  const scan: Scan = { photos: [], notes: [] };
  try {
    await visit(root, await realFolder(root), '', 0, options, scan);
  } catch (error) {
    throw readError(root, error);
  }
  return scan;
}

/** The folder `root` without links on its way. @throws SeedMaskError 'removed' or 'io': no such folder, not a folder, unreadable. */
export async function realFolder(root: string): Promise<string> {
  try {
    const real = await realpath(root);
    if (!(await stat(real)).isDirectory()) throw new SeedMaskError('io', 'is not a folder', root);
    return real;
  } catch (error) {
    throw readError(root, error);
  }
}

function readError(root: string, error: unknown): SeedMaskError {
  if (error instanceof SeedMaskError) return error;
  const gone = errorCode(error) === 'ENOENT';
  return new SeedMaskError(gone ? 'removed' : 'io', gone ? 'there is no such folder' : `cannot be read (${errorCode(error) ?? String(error)})`, root, { cause: error });
}

async function visit(root: string, realRoot: string, folder: string, depth: number, options: ScanOptions, scan: Scan): Promise<void> {
  const { files, folders: all } = await readFolder(root, realRoot, folder, options, scan);
  const hasPhotos = files.length > 0 || all.some(child => isPhotoFolder(baseName(child)));
  const truth = all.filter(child => hasPhotos && isTruthFolder(baseName(child)));
  scan.notes.push(...truth.map(child => `${printable(child)}: taken for true masks by its name; not searched for photos`));
  const folders = all.filter(child => !truth.includes(child));
  const masks = new Map<string, string>();
  for (const photo of files) {
    for (const mask of possibleOutputs(photo, options.outputName)) {
      if (foldName(mask) !== foldName(photo)) masks.set(foldName(mask), photo);
    }
  }
  // A folder's name counts with its '/', so that the whole list comes out in code-unit order.
  const entries = [...files.filter(file => !masks.has(foldName(file))), ...folders.map(name => `${name}/`)].sort(byCodeUnits);
  for (const entry of entries) {
    if (!entry.endsWith('/')) {
      scan.photos.push(entry);
      continue;
    }
    const child = entry.slice(0, -1);
    if (depth >= MAX_DEPTH) scan.notes.push(`${printable(child)}: folders are nested too deeply; not searched`);
    else {
      try {
        await visit(root, realRoot, child, depth + 1, options, scan);
      } catch (error) {
        if (error instanceof SeedMaskError) throw error;
        scan.notes.push(`${printable(child)}: the folder cannot be read (${errorCode(error) ?? String(error)})`);
      }
    }
  }
  options.onFound?.(scan.photos.length);
}

/** The photos (masks that other photos explain still among them) and folders of one folder, as ids. */
async function readFolder(root: string, realRoot: string, folder: string, options: ScanOptions, scan: Scan): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders: string[] = [];
  for await (const entry of await opendir(join(root, folder), { bufferSize: 512 })) {
    if (options.signal?.aborted) throw new SeedMaskError('cancelled', 'cancelled while searching for photos');
    if (entry.name.startsWith('.')) continue;
    const id = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name.toLowerCase())) folders.push(id);
    } else if (entry.isSymbolicLink() || (PHOTO.test(entry.name) && !MASK.test(entry.name))) {
      if (await isPhoto(entry, id, root, realRoot, scan)) files.push(id);
    }
  }
  return { files, folders };
}

/** Links are taken only when they end at a file inside the root; why not is noted. */
async function isPhoto(entry: Dirent, id: string, root: string, realRoot: string, scan: Scan): Promise<boolean> {
  if (entry.isFile()) return true;
  if (!entry.isSymbolicLink()) return false;
  const named = PHOTO.test(entry.name) && !MASK.test(entry.name);
  try {
    const target = await realpath(join(root, id));
    const isFolder = (await stat(target)).isDirectory();
    if (isFolder || (named && !isInside(realRoot, target))) {
      scan.notes.push(`${printable(id)}: ${isInside(realRoot, target) ? 'link to a folder; not followed' : 'link leads out of the folder; refused'}`);
      return false;
    }
  } catch (error) {
    if (named) scan.notes.push(`${printable(id)}: broken link (${errorCode(error) ?? String(error)})`);
    return false;
  }
  return named;
}
