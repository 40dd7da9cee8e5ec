/** Where SeedMask keeps what it knows about a data set: one folder at its root, which a person may delete at any time. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeError } from './atomicWrite';

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
