/** Where SeedMask keeps what it knows about a data set: one folder at its root, which a person may delete at any time. */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeOrphans, writeError } from './atomicWrite';
import { errorCode, folderOf } from './paths';

/** Absolute path of `parts` inside the data set's `.seedmask` folder. */
export function dataPath(root: string, ...parts: string[]): string {
  return join(root, '.seedmask', ...parts);
}

/** Makes the folder that `file` goes into. @throws SeedMaskError 'not-writable', 'disk-full', 'removed', 'io'. */
export async function makeFolderFor(file: string): Promise<void> {
  const folder = dirname(file);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writeError(errorCode(error) === 'ENOENT' ? await realCause(folder, error) : error, folder);
  }
}

/** On a read-only disk a recursive mkdir says ENOENT; making the first missing folder by itself says why. */
async function realCause(folder: string, error: unknown): Promise<unknown> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      await mkdir(path);
      return error;
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT' || path === dirname(path)) return cause;
    }
  }
}

/**
 * Removes the temporary files that killed processes left beside the photos and in `.seedmask`; returns how many. Hold the lock.
 */
export async function removeLeftovers(root: string, photos: readonly string[]): Promise<number> {
  let removed = await removeOrphans(dataPath(root));
  for (const run of await readdir(dataPath(root, 'runs')).catch(() => [])) removed += await removeOrphans(dataPath(root, 'runs', run));
  for (const folder of new Set(photos.map(folderOf))) removed += await removeOrphans(join(root, folder));
  return removed;
}
