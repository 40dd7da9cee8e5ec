/** CAMs of tags from several layers and views: against the formula, and what must hold for any features. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tagCam, type CamLayer } from '../../../src/pipeline/tagCam';
import { plane, type Maps } from '../../../src/shared/maps';

function features(channels: number, height: number, width: number, data: ArrayLike<number>): Maps {
  return { data: Float32Array.from(data), channels, height, width };
}

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) < tolerance, `[${i}] ${actual[i]}, expected ${value}`));
}

test('one layer: the positive part of W F, divided by its maximum', () => {
  const view = features(2, 1, 3, [1, 2, 3, 0, 1, 5]);
  const cam = tagCam([{ views: [view], weights: Float32Array.of(2, -1, -1, 1), has: [true, true] }]);
  close(plane(cam, 0), [2 / 3, 1, 1 / 3]);
  close(plane(cam, 1), [0, 0, 1]);
});

test('two layers: the geometric mean of both maps, again up to 1', () => {
  const deep: CamLayer = { views: [features(1, 1, 3, [4, 2, 0])], weights: Float32Array.of(1), has: [true] };
  const middle: CamLayer = { views: [features(1, 1, 3, [1, 8, 8])], weights: Float32Array.of(1), has: [true] };
  const raw = [Math.sqrt(1 * 0.125), Math.sqrt(0.5 * 1), 0];
  close(tagCam([deep, middle]).data, raw.map(value => value / raw[1]));
});

test('a class without a head on a layer is mapped by the others alone', () => {
  const deep: CamLayer = { views: [features(1, 1, 2, [1, 2])], weights: Float32Array.of(1, 1), has: [true, true] };
  const middle: CamLayer = { views: [features(1, 1, 2, [2, 1])], weights: Float32Array.of(1, 1), has: [true, false] };
  const cam = tagCam([deep, middle]);
  close(plane(cam, 0), [1, 1]);
  close(plane(cam, 1), [0.5, 1]);
  close(tagCam([{ ...deep, has: [false, true] }]).data, [0, 0, 0.5, 1]);
});

test('views and layers of other sizes come to the grid of the first', () => {
  const flat = (height: number, width: number, value: number): Maps => features(1, height, width, Array<number>(height * width).fill(value));
  const layers: CamLayer[] = [
    { views: [flat(2, 3, 1), flat(4, 6, 2)], weights: Float32Array.of(1), has: [true] },
    { views: [flat(5, 7, 3)], weights: Float32Array.of(1), has: [true] },
  ];
  const cam = tagCam(layers);
  assert.deepEqual([cam.height, cam.width], [2, 3]);
  close(cam.data, [1, 1, 1, 1, 1, 1]);
});

test('a class that nothing speaks for is 0 everywhere, not NaN', () => {
  close(tagCam([{ views: [features(1, 1, 3, [1, 2, 3])], weights: Float32Array.of(-1), has: [true] }]).data, [0, 0, 0]);
  close(tagCam([{ views: [features(1, 1, 3, [0, 0, 0])], weights: Float32Array.of(1), has: [true] }]).data, [0, 0, 0]);
});

test('no layers is a bug', () => assert.throws(() => tagCam([]), /no layers/));

test('any features: maps in [0, 1], the same whatever the scale of features or weights', () => {
  const numbers = (length: number) => fc.array(fc.integer({ min: -100, max: 100 }), { minLength: length, maxLength: length });
  fc.assert(fc.property(numbers(12), numbers(12), numbers(4), numbers(4), fc.integer({ min: 1, max: 50 }), (first, second, weights, others, scale) => {
    const layers = (factor: number): CamLayer[] => [
      { views: [features(2, 2, 3, first.map(x => x * factor))], weights: Float32Array.from(weights), has: [true, true] },
      { views: [features(2, 2, 3, second)], weights: Float32Array.from(others, x => x * factor), has: [true, false] },
    ];
    const cam = tagCam(layers(1));
    assert.ok(cam.data.every(value => value >= 0 && value <= 1));
    close(cam.data, [...tagCam(layers(scale)).data], 2e-3);
  }));
});
