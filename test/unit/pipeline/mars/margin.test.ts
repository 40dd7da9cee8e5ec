/** Rule 'margin' against its definition, and where it must not judge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clusterPhoto } from '../../../../src/pipeline/mars/clusters';
import { CentroidStore } from '../../../../src/pipeline/mars/centroidStore';
import { cosineDistance } from '../../../../src/pipeline/mars/distances';
import { MARS_SETTINGS, type MarsSettings } from '../../../../src/pipeline/mars/marsTypes';
import { decideClasses } from '../../../../src/pipeline/mars/prototypes';
import { CellFeatures, likeness, similarityMap } from '../../../../src/pipeline/mars/similarityMap';
import type { Maps } from '../../../../src/shared/maps';
import { randomMaps } from '../maps';
import { randomPhotos, randomStore } from './stores';

const SETTINGS: MarsSettings = { ...MARS_SETTINGS, rule: 'margin', metric: 'knn-untagged', temperature: 0.05 };

/** -0.4..0.6 in 5 dimensions. */
function features(seed: number): Maps {
  const maps = randomMaps(5, 3, 4, seed);
  return { ...maps, data: maps.data.map(value => value - 0.4) };
}

const cosine = (a: Float32Array, b: Float32Array) => 1 - 2 * cosineDistance(a, b);
const meanOfLargest = (values: number[], k: number) => {
  const largest = values.sort((a, b) => b - a).slice(0, k);
  return largest.reduce((sum, value) => sum + value, 0) / largest.length;
};

test('values are those of the definition: selected clusters of other photos against backgrounds of untagged ones', () => {
  fc.assert(
    fc.property(fc.integer(), seed => {
      const photos = randomPhotos(18, 5, 3, seed);
      const store = randomStore(photos, 5);
      const decisions = decideClasses(store, SETTINGS);
      const { name, tags } = photos[4];
      const maps = features(seed);
      const found = likeness(new CellFeatures(maps), name, tags, decisions, SETTINGS);
      assert.ok(found);
      for (let cell = 0; cell < 12; cell++) {
        const x = Float32Array.from({ length: 5 }, (_, d) => maps.data[d * 12 + cell]);
        const values = tags.map(tag => {
          const decision = decisions.get(tag);
          assert.ok(decision);
          const own = decision.ranking.slice(0, decision.selected).filter(({ photo }) => photo !== name).map(({ row }) => cosine(x, store.centroid(row)));
          const others = photos.filter(photo => !photo.tags.includes(tag)).flatMap(({ clusters }) => clusters.filter(({ classId }) => classId === 0)).map(({ centroid }) => cosine(x, centroid));
          return 1 / (1 + Math.exp(-(meanOfLargest(own, 5) - meanOfLargest(others, 5) + 0.08) / 0.05));
        });
        assert.ok(Math.abs(found.values[cell] - Math.max(...values)) < 1e-4);
        if (values.length < 2 || Math.abs(values[0] - values[1]) > 1e-3) assert.equal(found.bestTag[cell], tags[values.indexOf(Math.max(...values))]);
      }
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('a photo with a class that cannot be judged is left as it is', () => {
  // Class 9 is in one photo; class 1 in all but that one.
  const [single, ...others] = randomPhotos(10, 5, 1, 2);
  const photos = [{ ...single, tags: [1, 9], clusters: single.clusters.flatMap(cluster => (cluster.classId === 1 ? [cluster, { ...cluster, classId: 9 }] : [cluster])) }, ...others];
  const cells = new CellFeatures(features(3));
  const decisions = decideClasses(randomStore(photos, 5), SETTINGS);
  assert.equal(similarityMap(cells, single.name, [9], decisions, SETTINGS), null, 'no other photo');
  assert.equal(similarityMap(cells, single.name, [1, 9], decisions, SETTINGS), null, 'one class of two');
  assert.equal(similarityMap(cells, others[0].name, [1], decisions, SETTINGS), null, 'nothing untagged');
  assert.equal(similarityMap(cells, others[0].name, [55], decisions, SETTINGS), null, 'a class in no mask');
});

test('a class that its loss budget leaves alone saves pixels of others where it has a cut, and is passed over where it has none', () => {
  const settings = { ...SETTINGS, margin: { ...SETTINGS.margin, cut: null } };
  const photos = randomPhotos(18, 5, 3, 4);
  const decided = decideClasses(randomStore(photos, 5), settings);
  const { name, tags: [judged, alone] } = photos.find(({ tags }) => tags.length > 1) ?? assert.fail('no photo with two classes');
  const cells = new CellFeatures(features(5));
  const values = (cuts: [number, number | null]) => {
    const decisions = new Map([...decided].map(([id, decision]) => [id, { ...decision, calibration: id === alone ? cuts[1] : cuts[0], leftAlone: id === alone ? 'why' : null }]));
    return likeness(cells, name, [judged, alone], decisions, settings) ?? assert.fail('not judged');
  };
  const without = values([0, null]);
  assert.ok(without.bestTag.every(tag => tag === judged));
  assert.ok(values([0, -2]).values.every((value, cell) => value > 0.5 && value >= without.values[cell]), 'a cut below all scores saves all');
  assert.deepEqual(values([0, 9]).values, without.values, 'a cut above all scores saves nothing');
});

test('a store of one photo judges nothing', () => {
  const maps = features(1);
  const store = new CentroidStore(5, 'single');
  store.set('a.jpg', { key: '', tags: [1] }, clusterPhoto(maps, { data: Uint8Array.of(0, 1), height: 1, width: 2 }, SETTINGS).clusters);
  assert.equal(similarityMap(new CellFeatures(maps), 'a.jpg', [1], decideClasses(store, SETTINGS), SETTINGS), null);
});

test('features of other dimensions than the clusters are an error', () => {
  const decisions = decideClasses(randomStore(randomPhotos(18, 5, 3, 1), 5), SETTINGS);
  assert.throws(() => similarityMap(new CellFeatures(randomMaps(4, 2, 2, 1)), 'a.jpg', [1], decisions, SETTINGS), /5 dimensions for features of 4/);
});
