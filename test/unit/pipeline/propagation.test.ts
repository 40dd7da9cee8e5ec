/** Scores that walk: the papers' walks at the heart of it, at any size, to be judged by the chain's own background score. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { colourChannels, COLOUR_CHANNELS, labMaps } from '../../../src/pipeline/colours';
import { edgeTransition, featureTransition, handTransition, propagate, propagateByHand } from '../../../src/pipeline/propagation';
import { divideByMaximum, psaWalk } from '../../../src/pipeline/randomWalk';
import { plane, zeroMaps, type Maps, type RgbImage } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';
import { randomMaps } from './maps';

const near = (a: number, b: number, most: number, what = ''): void => assert.ok(Math.abs(a - b) <= most, `${a} ${b} ${what}`);

test('constant background: the walk of the reference, times one factor', reference('spec/fixtures/random_walk_10x12.json'), () => {
  const { inputs, outputs } = fixture<{ inputs: Record<'edge' | 'cam', { data: number[] }>; outputs: { rw: { data: number[] } } }>('random_walk_10x12.json');
  const maps = (data: number[], channels: number): Maps => ({ data: Float32Array.from(data), channels, height: 10, width: 12 });
  const walked = divideByMaximum(propagate(maps(inputs.cam.data, 2), edgeTransition(maps(inputs.edge.data, 1), 5), { background: 'constant', beta: 10, steps: 256 }, 0.25));
  const expected = divideByMaximum(maps(outputs.rw.data, 2));
  walked.data.forEach((value, i) => near(value, expected.data[i], 1e-3));
});

test('the largest score stays as large', () => {
  const scores = randomMaps(2, 8, 9, 1);
  const walked = propagate(scores, edgeTransition(randomMaps(1, 8, 9, 2), 3), { background: 'constant', beta: 4, steps: 16 }, 0.3);
  near(Math.max(...walked.data), Math.max(...scores.data), 1e-5);
});

test("background that walks: a tag is above the threshold exactly where AffinityNet's walk gives it more than the background", () => {
  const threshold = 0.3;
  const features = randomMaps(4, 9, 12, 3);
  const scores = randomMaps(2, 9, 12, 4);
  const walked = propagate(scores, featureTransition(features, 3), { background: 'walks', beta: 8, steps: 32 }, threshold);
  const alpha = Math.log(threshold) / Math.log(1 - threshold);
  const expected = psaWalk(features, scores, { radius: 3, beta: 8, steps: 32, alpha });
  const background = plane(expected, 0);
  for (let k = 0; k < 2; k++) {
    plane(walked, k).forEach((value, i) => {
      assert.ok(value >= 0 && value <= 1);
      const own = plane(expected, k + 1)[i];
      if (Math.abs(own - background[i]) > 1e-4) assert.equal(value > threshold, own > background[i]);
    });
  }
});

test('any sizes: the result has that of the scores, and scores between 0 and 1', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 5, max: 9 }), fc.integer({ min: 5, max: 9 }), fc.boolean(), fc.constantFrom('walks' as const, 'constant' as const), (height, width, rows, columns, made, background) => {
    const scores = randomMaps(2, height, width, height + width);
    const transition = made ? edgeTransition(randomMaps(1, rows, columns, 5), 3) : featureTransition(randomMaps(3, rows, columns, 6), 3);
    const out = propagate(scores, transition, { background, beta: 3, steps: 8 }, 0.25);
    assert.deepEqual([out.channels, out.height, out.width], [2, height, width]);
    assert.ok(out.data.every(value => value >= 0 && value <= 1));
  }), { numRuns: 40 });
});

test('background scores of 0 and 1 are no trouble', () => {
  for (const threshold of [0, 1]) {
    const out = propagate(randomMaps(2, 8, 8, 1), featureTransition(randomMaps(3, 8, 8, 2), 3), { background: 'walks', beta: 2, steps: 4 }, threshold);
    assert.ok(out.data.every(value => value >= 0 && value <= 1));
  }
});

test('a photo without any score stays without, and one cell is no trouble', () => {
  assert.ok(propagate(zeroMaps(1, 6, 6), edgeTransition(zeroMaps(1, 6, 6), 3), { background: 'constant', beta: 1, steps: 4 }, 0.3).data.every(value => value === 0));
  const dot: RgbImage = { data: Uint8Array.of(1, 2, 3), height: 1, width: 1 };
  const one: Maps = { data: Float32Array.of(0.8), channels: 1, height: 1, width: 1 };
  assert.ok(propagateByHand(one, dot, one, WALK, 0.3).data[0] > 0.3);
});

const WALK = { background: 'walks' as const, beta: 1, steps: 64, radius: 3, cells: 16, colour: 10, features: 0.05 };

/** Red on the left, blue on the right; features follow. */
function halves(): { photo: RgbImage; features: Maps } {
  const [height, width] = [32, 48];
  const photo = { height, width, data: Uint8Array.from({ length: height * width * 3 }, (_, i) => ((Math.floor(i / 3) % width < width / 2) === (i % 3 === 0) ? 200 : 40)) };
  const features = zeroMaps(2, 4, 6);
  for (let y = 0; y < 4; y++) for (let x = 0; x < 6; x++) plane(features, x < 3 ? 0 : 1)[y * 6 + x] = 1;
  return { photo, features };
}

test('made by hand: a spot fills what is alike and stops where it ends', () => {
  const { photo, features } = halves();
  const scores = zeroMaps(1, 32, 48);
  for (let y = 4; y < 28; y++) for (let x = 2; x < 22; x++) scores.data[y * 48 + x] = 0.9;
  const walked = propagateByHand(scores, photo, features, WALK, 0.3);
  const at = (y: number, x: number): number => walked.data[y * 48 + x];
  assert.ok(at(30, 22) > 0.3, `${at(30, 22)}: alike, though it had no score`);
  assert.ok(at(16, 30) < 0.1, `${at(16, 30)}: beyond the border`);
});

test('made by hand: 1 for cells that are alike, less the more they differ, nothing beyond the grid', () => {
  const { photo, features } = halves();
  const { affinity } = handTransition(photo, features, 4, 6, { colour: 10, features: 0.05 }, 2);
  const value = (dy: number, dx: number, p: number): number => affinity.values[affinity.offsets.findIndex(offset => offset.dy === dy && offset.dx === dx) * 24 + p];
  near(value(0, 1, 0), 1, 1e-5);
  assert.ok(value(0, 1, 2) < 1e-6, 'across');
  assert.equal(value(0, 1, 5), 0);
  assert.equal(value(1, 0, 18), 0);
  const looser = handTransition(photo, features, 4, 6, { colour: 100, features: 5 }, 2).affinity;
  const across = looser.values[looser.offsets.findIndex(({ dy, dx }) => dy === 0 && dx === 1) * 24 + 2];
  assert.ok(across > 0.1 && across < 0.9, `${across}`);
});

test('colours: Lab of known ones; steps are high at the border alone', () => {
  const known: RgbImage = { height: 1, width: 4, data: Uint8Array.of(255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255) };
  const lab = labMaps(known).data;
  const expected = [[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2], [32.3, 79.2, -107.9]];
  expected.forEach((numbers, p) => numbers.forEach((number, c) => near(lab[c * 4 + p], number, 0.3, `pixel ${p}`)));
  const channels = colourChannels(halves().photo, 8, 12);
  assert.equal(channels.channels, COLOUR_CHANNELS);
  const near4 = plane(channels, 3);
  assert.ok(near4[5] > 5 && near4[6] > 5);
  near(near4[2], 0, 1e-4);
  assert.ok(plane(channels, 4)[5] > 2);
});
