/** Features of a photo: what the cache has is not computed again, and whole or in parts they are the same numbers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { QUICK } from '../../models/presets';
import { FeatureCache, type FeatureKey, type FeatureLayer } from '../../src/engine/featureCache';
import { FeatureExtractor, loadRunModels } from '../../src/engine/photoFeatures';
import { OnnxHost } from '../../src/engine/session';
import type { RgbImage } from '../../src/shared/maps';

class CountingCache extends FeatureCache {
  writes = 0;

  override write(key: FeatureKey, layers: readonly FeatureLayer[]): Promise<boolean> {
    this.writes++;
    return super.write(key, layers);
  }
}

const photo: RgbImage = { width: 48, height: 32, data: Uint8Array.from({ length: 48 * 32 * 3 }, (_, i) => (i * 37) % 251) };
const preset = { ...QUICK, views: [{ longSide: 96, flip: true }] };

async function extract(root: string, saliency: boolean) {
  const weights = join(import.meta.dirname, '../../models/weights');
  const cache = new CountingCache(root, 1e9);
  const extractor = await FeatureExtractor.open(await loadRunModels(weights, undefined, saliency), preset, cache, new OnnxHost('cpu'), () => undefined);
  try {
    return { cached: await extractor.cached('a photo'), features: await extractor.compute(photo, 'a photo'), writes: cache.writes };
  } finally {
    await extractor.release();
  }
}

test('a run with saliency after one without computes the salience only', async t => {
  const root = mkdtempSync(join(tmpdir(), 'seedmask-features-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const without = await extract(root, false);
  assert.equal(without.cached, undefined);
  assert.deepEqual([without.writes, without.features.saliency], [1, undefined]);
  const withIt = await extract(root, true);
  assert.equal(withIt.cached, undefined, 'not all of it is there');
  assert.equal(withIt.writes, 1);
  assert.deepEqual(withIt.features.layers, without.features.layers);
  const again = await extract(root, true);
  assert.equal(again.writes, 0);
  assert.deepEqual(again.cached, again.features);
  assert.deepEqual(again.features, withIt.features);
});
