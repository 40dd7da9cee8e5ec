/** Frees what the cached features of a data set, and first labels of its trainings, take on disk. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dataPath } from '../../dataset/folder';
import { lockHolder } from '../../dataset/lock';
import type { Params, Result } from '../../shared/protocol';
import { FeatureCache } from '../featureCache';

export async function clearCache({ root }: Params<'clearCache'>): Promise<Result<'clearCache'>> {
  const features = await new FeatureCache(root, 0).clear();
  // A training that goes on reads its labels at every epoch.
  return { bytes: features + ((await lockHolder(root)).alive ? 0 : await removed(dataPath(root, 'training'))) };
}

/** Removes a folder; returns the bytes of its files. */
async function removed(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) bytes += await stat(join(folder, name)).then(found => (found.isFile() ? found.size : 0), () => 0);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  return bytes;
}
