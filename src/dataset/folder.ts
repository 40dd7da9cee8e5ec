/** Where SeedMask keeps what it knows about a data set: one folder at its root, which a person may delete at any time. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeOrphans, writeError } from './atomicWrite';
import { folderOf } from './paths';

/** Absolute path of `parts` inside the data set's `.seedmask` folder. */
export function dataPath(root: string, ...parts: string[]): string {
  return join(root, '.seedmask', ...parts);
}

/** Makes the folder that `file` goes into. @throws SeedMaskError 'not-writable', 'disk-full', 'io'. */
export async function makeFolderFor(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
  } catch (error) {
    throw writeError(error, dirname(file));
  }
}

/**
 * Removes the temporary files that killed processes left beside the photos and in `.seedmask`; returns how many. Hold the lock.
 */
export async function removeLeftovers(root: string, photos: readonly string[]): Promise<number> {
  let removed = await removeOrphans(dataPath(root));
  for (const folder of new Set(photos.map(folderOf))) removed += await removeOrphans(join(root, folder));
  return removed;
}
