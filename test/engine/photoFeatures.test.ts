/** Features of a photo: what the cache has is not computed again, and whole or in parts they are the same numbers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { QUICK } from '../../models/presets';
import { FeatureCache, type FeatureKey, type FeatureLayer } from '../../src/engine/featureCache';
import { FeatureExtractor, loadRunModels } from '../../src/engine/photoFeatures';
import { cropPhoto } from '../../src/engine/images';
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

test('tiles: each is looked at by itself, and together they have the grid of the whole; kept in the cache', async t => {
  const root = mkdtempSync(join(tmpdir(), 'seedmask-features-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const models = await loadRunModels(join(import.meta.dirname, '../../models/weights'), undefined, false);
  const cache = new CountingCache(root, 1e9);
  const host = new OnnxHost('cpu');
  const extractor = await FeatureExtractor.open(models, preset, cache, host, () => undefined);
  const half = await FeatureExtractor.open(models, { ...preset, views: [{ longSide: 48, flip: true }] }, cache, host, () => undefined);
  try {
    const tiles = await extractor.tiles(() => Promise.resolve(photo), 'a photo', 2);
    const whole = (await extractor.extract(photo, undefined)).layers;
    const corner = (await half.extract(cropPhoto(photo, { left: 0.5, top: 0.5, right: 1, bottom: 1 }), undefined)).layers;
    for (const [role, maps] of tiles) {
      const [view] = whole.get(role) ?? [];
      const [own] = corner.get(role) ?? [];
      assert.deepEqual([maps.channels, maps.height, maps.width], [view.channels, view.height, view.width]);
      assert.notDeepEqual(maps, view);
      for (let y = 0; y < own.height; y++) {
        for (let x = 0; x < own.width; x++) assert.equal(maps.data[(y + own.height) * maps.width + x + own.width], own.data[y * own.width + x], `${role} ${y} ${x}`);
      }
    }
    const writes = cache.writes;
    assert.deepEqual(await extractor.tiles(() => Promise.reject(new Error('not asked for')), 'a photo', 2), tiles);
    assert.equal(cache.writes, writes);
    // A photo whose halves are no multiple of what the backbone takes.
    const odd = await extractor.tiles(() => Promise.resolve({ ...photo, height: 24, data: photo.data.slice(0, 48 * 24 * 3) }), 'an odd photo', 2);
    assert.deepEqual([...odd.values()].map(({ height, width }) => [height, width]), [[3, 6], [3, 6]]);
  } finally {
    await extractor.release();
    await half.release();
  }
});
