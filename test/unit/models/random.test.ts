/** Repeatable chance: ranges, moments, order, and that neighbouring seeds have nothing in common. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { mixSeed, normal, shuffled, uniform } from '../../../models/random';

const draws = (seed: number, count: number): number[] => {
  const random = uniform(seed);
  return Array.from({ length: count }, () => random());
};

test('the same seed gives the same numbers, in [0, 1), spread evenly', () => {
  const numbers = draws(7, 20_000);
  assert.deepEqual(numbers.slice(0, 50), draws(7, 50));
  assert.ok(numbers.every(value => value >= 0 && value < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = numbers.filter(value => Math.floor(value * 10) === tenth).length / numbers.length;
    assert.ok(Math.abs(share - 0.1) < 0.01, `tenth ${tenth} has ${share}`);
  }
});

test('mixed seeds differ with each part and with their order', () => {
  const seeds = new Set<number>();
  for (let epoch = 0; epoch < 40; epoch++) for (let step = 0; step < 100; step++) seeds.add(mixSeed(1, epoch, step));
  assert.equal(seeds.size, 4000);
  assert.notEqual(mixSeed(1, 2), mixSeed(2, 1));
  // The first numbers of neighbouring steps are not alike.
  const first = Array.from({ length: 4000 }, (_, step) => uniform(mixSeed(1, 1, step))());
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  const along = first.slice(1).reduce((sum, value, i) => sum + (value - mean) * (first[i] - mean), 0) / first.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02 && Math.abs(along) * 12 < 0.05, `mean ${mean}, correlation ${along * 12}`);
});

test('shuffled has each number once', () => {
  fc.assert(fc.property(fc.nat(200), fc.nat(), (count, seed) => {
    assert.deepEqual(shuffled(count, uniform(seed)).sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
  }));
  assert.notDeepEqual(shuffled(30, uniform(1)), shuffled(30, uniform(2)));
});

test('normal numbers have mean 0 and deviation 1', () => {
  const random = uniform(3);
  const numbers = Array.from({ length: 20_000 }, () => normal(random));
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05, `${mean} ${variance}`);
  assert.ok(numbers.every(Number.isFinite));
});
