/** The data set's state: photos in any order and in parts, changes, and its bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCentroids, encodeCentroids } from '../../../../src/pipeline/mars/centroidFile';
import { CentroidStore } from '../../../../src/pipeline/mars/centroidStore';
import { SeedMaskError } from '../../../../src/shared/errors';
import { reference } from '../../../shared';
import { randomPhotos, randomStore, toy, toyName } from './stores';

test('the toy data set: centroids and mean unit background', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, store } = toy();
  for (const { image, cls, k, n_pixels, v } of [...expected.background_centroids.map(centroid => ({ ...centroid, cls: 0 })), ...expected.foreground_centroids]) {
    const found = store.clustersOf(toyName(image)).find(({ classId, cluster }) => classId === cls && cluster === k);
    assert.equal(found?.cells, n_pixels);
    v.forEach((value, d) => assert.ok(Math.abs((found?.centroid[d] ?? NaN) - value) <= expected.tolerance));
  }
  assert.equal(store.rows, expected.background_centroids.length + expected.foreground_centroids.length);
  const { mean, count } = store.meanUnitBackground();
  assert.equal(count, expected.background_centroids.length);
  expected.mean_unit_background.forEach((value, d) => assert.ok(Math.abs(mean[d] - value) <= expected.tolerance));
});

test('parts in any split and any order merge to the whole, bit by bit', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.nat(3), { minLength: 20, maxLength: 20 }), fc.constantFrom('single' as const, 'half' as const, 'byte' as const), (seed, parts, precision) => {
      const photos = randomPhotos(20, 5, 4, seed);
      const whole = randomStore(photos, 5, precision);
      const merged = new CentroidStore(5, precision);
      for (const part of [2, 0, 3, 1]) merged.merge(randomStore(photos.filter((_, i) => parts[i] === part).reverse(), 5, precision));
      assert.deepEqual(encodeCentroids(merged), encodeCentroids(whole));
      assert.deepEqual(merged.meanUnitBackground(), whole.meanUnitBackground());
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('a store with a history equals one without', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.tuple(fc.boolean(), fc.nat(14)), { maxLength: 60 }), (seed, steps) => {
      const photos = randomPhotos(15, 3, 3, seed);
      const other = randomPhotos(15, 3, 3, seed + 1);
      const store = randomStore(photos, 3);
      const present = new Map(photos.map(photo => [photo.name, photo]));
      for (const [put, i] of steps) {
        const photo = { ...other[i], name: photos[i].name };
        if (put) {
          store.set(photo.name, { key: `key of ${photo.name}`, tags: photo.tags }, photo.clusters);
          present.set(photo.name, photo);
        } else {
          assert.equal(store.delete(photo.name), present.delete(photo.name));
        }
      }
      assert.deepEqual(encodeCentroids(store), encodeCentroids(randomStore([...present.values()], 3)));
      assert.equal(store.size, present.size);
    }),
    { seed: 1 },
  );
});

test('bytes give the store back, in both precisions; names may be anything but NUL', () => {
  for (const precision of ['single', 'half'] as const) {
    const store = randomStore(randomPhotos(9, 7, 3, 5), 7, precision);
    store.set('日本/line\nbreak.jpg', { key: '', tags: [] }, []);
    const bytes = encodeCentroids(store);
    const read = decodeCentroids(bytes);
    assert.deepEqual(read.photos(), store.photos());
    for (const photo of store.photos()) {
      assert.deepEqual(read.clustersOf(photo), store.clustersOf(photo));
      assert.deepEqual([read.get(photo)?.key, read.get(photo)?.tags], [store.get(photo)?.key, store.get(photo)?.tags]);
    }
    // Wherever the bytes lie in a larger buffer.
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    assert.deepEqual(encodeCentroids(decodeCentroids(shifted)), bytes);
  }
  assert.equal(decodeCentroids(encodeCentroids(new CentroidStore(4))).size, 0);
});

test('bytes that were cut, changed or are something else are refused', () => {
  const bytes = encodeCentroids(randomStore(randomPhotos(4, 3, 2, 1), 3, 'half'));
  const refused = (wrong: Uint8Array) => assert.throws(() => decodeCentroids(wrong, 'centroids.bin'), (error: unknown) => error instanceof SeedMaskError && error.reason === 'io' && error.file === 'centroids.bin');
  for (let length = 0; length < bytes.length; length += 13) refused(bytes.slice(0, length));
  for (let i = 0; i < bytes.length; i++) {
    const changed = bytes.slice();
    changed[i] ^= 0x10;
    refused(changed);
  }
  refused(Uint8Array.of(...bytes, 0));
});

test('100,000 photos with five clusters of 64 dimensions take less than 100 MB', () => {
  // As many bytes a photo as in a store of 1,000.
  const store = new CentroidStore(64);
  for (let i = 0; i < 1000; i++) {
    const clusters = [0, 0, 1, 1, 2].map((classId, cluster) => ({ classId, cluster: cluster % 2, cells: 50, centroid: new Float32Array(64).fill(1) }));
    store.set(`some/folder of photos/holiday ${i}.jpg`, { key: '0123456789abcdef', tags: [1, 2] }, clusters);
  }
  assert.ok(encodeCentroids(store).length * 100 < 100e6);
});

test('centroids of other dimensions do not get in', () => {
  const store = new CentroidStore(4);
  assert.throws(() => store.set('a.jpg', { key: '', tags: [] }, [{ classId: 0, cluster: 0, cells: 9, centroid: new Float32Array(5) }]), /5 dimensions/);
  assert.throws(() => store.merge(new CentroidStore(5)), /5 dimensions/);
});

test('as bytes a centroid comes back to within half a step of its largest value, and goes there again without a change', () => {
  fc.assert(fc.property(fc.array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 12 }), values => {
    const vector = Float32Array.from(values);
    const largest = Math.max(...vector.map(Math.abs));
    const put = (centroid: Float32Array): CentroidStore => {
      const store = new CentroidStore(vector.length, 'byte');
      store.set('a', { key: '', tags: [] }, [{ classId: 1, cluster: 0, cells: 4, centroid }]);
      return store;
    };
    const once = put(vector).clustersOf('a')[0].centroid;
    vector.forEach((value, d) => assert.ok(Math.abs(once[d] - value) <= (largest / 127) * 0.501 + 1e-30));
    if (largest > 1e-30) assert.deepEqual(encodeCentroids(put(once)), encodeCentroids(put(vector)));
    assert.deepEqual(encodeCentroids(decodeCentroids(encodeCentroids(put(vector)))), encodeCentroids(put(vector)));
  }), { seed: 1 });
});
