/** Maps for the tests of the pipeline: from fixtures, at random, and compared. */
import assert from 'node:assert/strict';
import type { Maps } from '../../../src/shared/maps';

/** How fixtures hold a tensor. */
export interface FixtureTensor {
  shape: number[];
  data: number[];
}

/** A C x H x W (or H x W) tensor of a fixture. */
export function fixtureMaps({ shape, data }: FixtureTensor): Maps {
  const [height, width] = shape.slice(-2);
  return { data: Float32Array.from(data), channels: shape.length === 3 ? shape[0] : 1, height, width };
}

/** Maps in [0, 1), the same for the same seed. */
export function randomMaps(channels: number, height: number, width: number, seed: number): Maps {
  const next = randomNumbers(seed);
  return { data: Float32Array.from({ length: channels * height * width }, next), channels, height, width };
}

/** Uniform numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function assertClose(actual: Maps, expected: Maps, tolerance: number): void {
  assert.deepEqual([actual.channels, actual.height, actual.width], [expected.channels, expected.height, expected.width]);
  assert.equal(actual.data.length, expected.data.length);
  let worst = 0;
  actual.data.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - expected.data[i]));
  });
  assert.ok(worst <= tolerance, `differs by ${worst}, allowed ${tolerance}`);
}
