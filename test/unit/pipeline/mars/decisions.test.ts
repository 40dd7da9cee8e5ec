/** Distances, ranks and prototypes of a data set: fixture, definition, and what the order of photos must not change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Backgrounds, cosineDistance, meanDistance, meanDistanceReference } from '../../../../src/pipeline/mars/distances';
import { CentroidStore } from '../../../../src/pipeline/mars/centroidStore';
import { MARS_SETTINGS, type LocalCluster } from '../../../../src/pipeline/mars/marsTypes';
import { decideClasses, gapOf, prototypeWithout, selectedOf } from '../../../../src/pipeline/mars/prototypes';
import { reference } from '../../../shared';
import { randomNumbers } from '../maps';
import { randomPhotos, randomStore, toy, toyName, TOY_SETTINGS } from './stores';

const close = (actual: number | null | undefined, expected: number, tolerance: number, what?: string) => assert.ok(Math.abs((actual ?? NaN) - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);
const closeVectors = (actual: ArrayLike<number> | null | undefined, expected: ArrayLike<number>, tolerance: number) => {
  assert.equal(actual?.length, expected.length);
  for (let d = 0; d < expected.length; d++) close(actual?.[d], expected[d], tolerance, `value ${d}`);
};

/** Normally distributed numbers, the same for the same seed. */
function normals(seed: number): () => number {
  const next = randomNumbers(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

test('the toy data set: distances under both metrics, ranks, selection, prototypes', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, store } = toy();
  const decisions = decideClasses(store, TOY_SETTINGS);
  assert.deepEqual([...decisions.keys()], [1, 2, 3]);
  const everywhere = Backgrounds.of(store, Infinity);
  for (const [classId, { n_centroids, n_selected, order, debiased_centroid }] of Object.entries(expected.classes_result)) {
    const decision = decisions.get(Number(classId));
    assert.ok(decision);
    assert.deepEqual([decision.ranking.length, decision.selected], [n_centroids, n_selected]);
    closeVectors(decision.prototype, debiased_centroid, expected.tolerance);
    order.forEach((cluster, place) => {
      const ranked = decision.ranking[place];
      assert.deepEqual([ranked.photo, ranked.cluster, place < decision.selected], [toyName(cluster.image), cluster.k, cluster.selected]);
      close(ranked.distance, cluster.dist_mean, expected.tolerance, 'mean');
      close(ranked.otherDistance, cluster.knn3_mean_distance_untagged_images, expected.tolerance, 'nearest untagged');
      const near = everywhere.nearest(store.centroid(ranked.row), cluster.nearest_bg.length);
      assert.deepEqual(near.map(({ photo, cluster: k }) => [photo, k]), cluster.nearest_bg.map(({ image, k }) => [toyName(image), k]));
      near.forEach(({ distance }, i) => close(distance, cluster.nearest_bg[i].distance, expected.tolerance, 'near background'));
      const photos = new Map(everywhere.nearestPhotos(store.centroid(ranked.row), 6).map(({ photo, distance }) => [photo, distance]));
      for (const [image, distance] of Object.entries(cluster.mean_distance_by_bg_image)) close(photos.get(toyName(Number(image))), distance, expected.tolerance, 'photo');
    });
    close(decision.cut, order[n_selected - 1].dist_mean, expected.tolerance, 'cut');
  }
  const train = decisions.get(1);
  assert.deepEqual(train?.places.get(toyName(0)), [0, 2]);
  close(train?.ranking[2].distance, 0.41796, 1e-5, 'rail of image 0');
});

test('with the metric of nearest untagged backgrounds the same clusters are told from the other side', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, store } = toy();
  for (const decision of decideClasses(store, { ...TOY_SETTINGS, metric: 'knn-untagged' }).values()) {
    const { order } = expected.classes_result[String(decision.classId)];
    assert.equal(decision.metric, 'knn-untagged');
    const nearest = order.map(cluster => cluster.knn3_mean_distance_untagged_images).sort((a, b) => b - a);
    decision.ranking.forEach(({ distance }, place) => close(distance, nearest[place], expected.tolerance, 'distance'));
  }
});

test('one dot product with the mean unit background is the mean over all backgrounds, and shares of photos add up to it', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 30 }), (seed, count) => {
      const store = randomStore(randomPhotos(count, 6, 3, seed), 6);
      const backgrounds = store.photos().flatMap(photo => store.clustersOf(photo)).filter(({ classId }) => classId === 0).map(({ centroid }) => centroid);
      const set = Backgrounds.of(store, Infinity);
      for (const { row } of [...store.byClass().values()].flat().slice(0, 5)) {
        const vector = store.centroid(row);
        const mean = meanDistance(vector, store.meanUnitBackground().mean);
        close(mean, meanDistanceReference(vector, backgrounds), 1e-12, 'mean');
        const plain = backgrounds.map(background => cosineDistance(vector, background)).sort((a, b) => a - b);
        const k = Math.min(4, plain.length);
        close(set.nearestMeans([vector, vector.map(value => -value), vector], 4)?.[2], plain.slice(0, k).reduce((a, b) => a + b) / k, 1e-6, 'nearest');
        close(set.nearest(vector, 1)[0].distance, plain[0], 1e-6, 'nearest one');
        if (mean < 0.499) close(set.nearestPhotos(vector, count).reduce((sum, { share }) => sum + share, 0), 1, 1e-4, 'shares');
      }
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('order of photos and how they were split into parts change nothing', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom('single' as const, 'half' as const), (seed, precision) => {
      const photos = randomPhotos(24, 5, 3, seed);
      const merged = new CentroidStore(5, precision);
      for (const part of [photos.slice(9), photos.slice(0, 4).reverse(), photos.slice(4, 9)]) merged.merge(randomStore(part, 5, precision));
      const settings = { ...MARS_SETTINGS, mostBackgroundPhotos: 7 };
      const strip = (store: CentroidStore) =>
        [...decideClasses(store, settings)].map(([classId, decision]) => [classId, { ...decision, ranking: decision.ranking.map(({ row, ...rest }) => ({ ...rest, centroid: store.centroid(row) })) }]);
      assert.deepEqual(strip(merged), strip(randomStore(photos, 5, precision)));
    }),
    { seed: 1, numRuns: 20 },
  );
});

test('leaving a photo out of a prototype is what a store without it gives, backgrounds aside', () => {
  const photos = randomPhotos(30, 4, 2, 3);
  const store = randomStore(photos, 4);
  for (const decision of decideClasses(store, MARS_SETTINGS).values()) {
    for (const { name } of photos) {
      const left = decision.ranking.filter(({ photo }) => photo !== name);
      const chosen = left.slice(0, selectedOf(left.length, MARS_SETTINGS.alpha)).map(({ row }) => store.centroid(row));
      const mean = Array.from({ length: 4 }, (_, d) => chosen.reduce((sum, vector) => sum + vector[d], 0) / chosen.length);
      closeVectors(prototypeWithout(store, decision, name, MARS_SETTINGS.alpha), mean, 1e-6);
    }
  }
});

test('the selection is safe against rounding and never empty', () => {
  assert.deepEqual([0, 1, 2, 4, 5, 10, 15, 35].map(n => selectedOf(n, 0.4)), [0, 1, 1, 2, 2, 4, 6, 14]);
  assert.equal(selectedOf(5, 0.6), 3);
  assert.deepEqual([selectedOf(5, -0.05), selectedOf(5, 1.05)], [1, 5]);
});

test('equal distances rank by name of the photo, then by cluster', () => {
  const store = new CentroidStore(2, 'single');
  const cluster = (classId: number, number: number): LocalCluster => ({ classId, cluster: number, cells: 4, centroid: Float32Array.of(1, 1) });
  for (const photo of ['b.jpg', 'a.jpg', 'B.jpg']) store.set(photo, { key: '', tags: [1] }, [cluster(0, 0), cluster(1, 1), cluster(1, 0)]);
  const ranking = decideClasses(store, MARS_SETTINGS).get(1)?.ranking;
  assert.deepEqual(ranking?.map(({ photo, cluster: k }) => `${photo} ${k}`), ['B.jpg 0', 'B.jpg 1', 'a.jpg 0', 'a.jpg 1', 'b.jpg 0', 'b.jpg 1']);
});

test('a gap is where distances have two humps', () => {
  const normal = normals(7);
  const descending = (values: number[]) => values.sort((a, b) => b - a);
  const one = gapOf(descending(Array.from({ length: 2000 }, () => 0.45 + 0.01 * normal())));
  const two = gapOf(descending(Array.from({ length: 2000 }, (_, i) => (i % 2 ? 0.45 : 0.38) + 0.01 * normal())));
  close(one.gap, 2.65, 0.1, 'one hump');
  close(two.gap, 7, 0.3, 'two humps');
  close(two.separation, 0.07, 0.002, 'separation');
  for (const distances of [[], [0.5], [0.5, 0.5], [0.4, 0.4, 0.4]]) close(gapOf(distances).gap, 0, 1e-6, 'nothing to part');
  assert.ok(Number.isFinite(gapOf([0.5, 0.5, 0.4]).gap));
});

test('a class is left alone, and says so, if it is rare, has one hump, or there is no background', () => {
  // The second clusters of classes 1 and 3 look like backgrounds; those of class 2 are all alike, with much noise.
  const normal = normals(1);
  const store = new CentroidStore(3, 'single');
  const around = (x: number, y: number, z: number) => Float32Array.of(x + 0.1 * normal(), y + 0.1 * normal(), z + 0.1 * normal());
  for (let i = 0; i < 100; i++) {
    const classId = i < 15 ? 1 : i < 97 ? 2 : 3;
    const split = (cluster: number) => (classId === 2 ? around(1, 0, 0) : cluster === 0 ? around(0, 1, 0) : around(0, 0.2, 1));
    const clusters = [0, 1].flatMap(cluster => [
      { classId: 0, cluster, cells: 9, centroid: around(0, 0, 1) },
      { classId, cluster, cells: 9, centroid: split(cluster) },
    ]);
    store.set(`${i}.jpg`, { key: '', tags: [classId] }, clusters);
  }
  const decisions = decideClasses(store, MARS_SETTINGS);
  assert.equal(decisions.get(1)?.leftAlone, null);
  assert.equal(decisions.get(1)?.metricAgreement, 1);
  assert.match(decisions.get(2)?.leftAlone ?? '', /two groups/);
  assert.match(decisions.get(3)?.leftAlone ?? '', /in 3 photos/);
  assert.deepEqual([...decideClasses(store, { ...MARS_SETTINGS, onlyBiased: false }).values()].map(({ leftAlone }) => leftAlone), [null, null, null]);
  assert.match(decideClasses(randomStore(randomPhotos(20, 3, 1, 1).map(photo => ({ ...photo, clusters: photo.clusters.filter(({ classId }) => classId > 0) })), 3), MARS_SETTINGS).get(1)?.leftAlone ?? '', /no photo has background/);
});

test('one photo; one class in all photos; an empty store', () => {
  const [photo] = randomPhotos(1, 3, 1, 1);
  const single = decideClasses(randomStore([photo], 3), MARS_SETTINGS).get(1);
  assert.deepEqual([single?.ranking.length, single?.selected, single?.photos], [2, 1, 1]);
  const same = decideClasses(randomStore(randomPhotos(12, 3, 1, 1), 3), { ...MARS_SETTINGS, metric: 'knn-untagged' }).get(1);
  assert.equal(same?.metric, 'paper-mean', 'nothing untagged to compare with');
  assert.deepEqual([same?.metricAgreement, same?.alternatives.otherMetric, same?.ranking[0].otherDistance], [null, null, null]);
  assert.equal(decideClasses(new CentroidStore(3), MARS_SETTINGS).size, 0);
});
