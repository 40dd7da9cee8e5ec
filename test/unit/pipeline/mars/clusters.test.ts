/** Local clusters of a photo: fixture, majority labels, and regions that are left out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cellLabels, clusterPhoto, nearestClusters } from '../../../../src/pipeline/mars/clusters';
import { MARS_SETTINGS } from '../../../../src/pipeline/mars/marsTypes';
import type { LabelMap, Maps } from '../../../../src/shared/maps';
import { reference } from '../../../shared';
import { randomMaps, randomNumbers } from '../maps';
import { toy } from './stores';

test('the toy data set: which pixels of a region go together', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, photos } = toy();
  photos.forEach(({ features, mask }, i) => {
    const { clusters, assignment } = clusterPhoto(features, mask, MARS_SETTINGS);
    for (const [classId, { pixel_index, labels }] of Object.entries(expected.images[i].clusters)) {
      assert.deepEqual(pixel_index.map(p => clusters[assignment[p]].cluster), labels);
      assert.ok(pixel_index.every(p => clusters[assignment[p]].classId === Number(classId)));
    }
    // A cell of a region is nearest to its own centroid.
    const own = clusters.filter(({ classId }) => classId === 0);
    const nearest = nearestClusters(features, own);
    assignment.forEach((index, cell) => index >= 0 && clusters[index].classId === 0 && assert.equal(own[nearest[cell]], clusters[index]));
  });
});

const labelMap = (height: number, width: number, labels: number[]): LabelMap => ({ data: Uint8Array.from(labels), height, width });

test('a cell has the label of most of its pixels, 255 aside', () => {
  // Two cells of 2 x 3 pixels.
  assert.deepEqual([...cellLabels(labelMap(2, 6, [1, 1, 255, 255, 255, 255, 2, 255, 255, 255, 255, 255]), 1, 2)], [1, 255]);
  assert.deepEqual([...cellLabels(labelMap(1, 4, [2, 1, 0, 3]), 1, 2)], [1, 0], 'the lower of equals');
  assert.deepEqual([...cellLabels(labelMap(1, 2, [4, 5]), 2, 4)], [4, 4, 5, 5, 4, 4, 5, 5], 'cells smaller than pixels');
});

test('cells of any grid count each pixel of the mask once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (height, width, h, w) => {
      if (h > height || w > width) return;
      // One pixel of a class: exactly one cell may see it, and does where it is alone.
      for (const p of [0, height * width - 1, Math.floor((height * width) / 2)]) {
        const data = new Uint8Array(height * width).fill(255);
        data[p] = 3;
        const cells = cellLabels({ data, height, width }, h, w);
        assert.equal(cells.filter(label => label === 3).length, 1);
        const cell = Math.floor(((Math.floor(p / width) + 0.5) * h) / height) * w + Math.floor((((p % width) + 0.5) * w) / width);
        assert.equal(cells[cell], 3);
      }
    }),
    { seed: 1 },
  );
});

test('small regions, undecided pixels and clusters without cells are left out', () => {
  const features = randomMaps(3, 4, 4, 1);
  // Class 1 has three cells, class 2 four, the rest is undecided but for four of background.
  const { clusters, labels, assignment } = clusterPhoto(features, labelMap(4, 4, [1, 1, 1, 255, 2, 2, 2, 2, 255, 255, 255, 255, 0, 0, 0, 0]), MARS_SETTINGS);
  assert.deepEqual([...new Set(clusters.map(({ classId }) => classId))], [0, 2]);
  assert.equal(clusters.reduce((sum, { cells }) => sum + cells, 0), 8);
  labels.forEach((label, cell) => assert.equal(assignment[cell] >= 0, label === 0 || label === 2));

  const same: Maps = { data: new Float32Array(48).fill(0.25), channels: 3, height: 4, width: 4 };
  const one = clusterPhoto(same, labelMap(1, 1, [7]), MARS_SETTINGS);
  assert.deepEqual(one.clusters.map(({ classId, cluster, cells }) => [classId, cluster, cells]), [[7, 0, 16]]);
  assert.deepEqual(clusterPhoto(features, labelMap(1, 1, [255]), MARS_SETTINGS).clusters, []);
});

test('each centroid is the mean of its cells', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, dimensions) => {
      const next = randomNumbers(seed);
      const features = randomMaps(dimensions, 6, 8, seed);
      const { clusters, assignment } = clusterPhoto(features, labelMap(6, 8, Array.from({ length: 48 }, () => [0, 1, 1, 4, 255][Math.floor(next() * 5)])), { kForeground: 2, kBackground: 3 });
      clusters.forEach(({ centroid, cells }, index) => {
        const own = [...assignment.keys()].filter(cell => assignment[cell] === index);
        assert.equal(own.length, cells);
        centroid.forEach((value, d) => assert.ok(Math.abs(value - own.reduce((sum, cell) => sum + features.data[d * 48 + cell], 0) / cells) < 1e-6));
      });
    }),
    { seed: 1 },
  );
});

test('features that are not finite numbers are refused', () => {
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const features = randomMaps(2, 4, 4, 1);
    features.data[17] = wrong;
    assert.throws(() => clusterPhoto(features, labelMap(1, 1, [1]), MARS_SETTINGS), { reason: 'numeric', message: /finite/ });
  }
});
