/** Frees what the cached features of a data set take on disk. */
import type { Params, Result } from '../../shared/protocol';
import { FeatureCache } from '../featureCache';

export async function clearCache({ root }: Params<'clearCache'>): Promise<Result<'clearCache'>> {
  return { bytes: await new FeatureCache(root, 0).clear() };
}
