/** Classes are kept as large as labels have them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areasOf, heldAreas, type JudgedPhoto } from '../../../src/engine/training/decoder/heldAreas';

/** A photo of 100 cells with one tag whose probability falls from left to right. */
function photo(channel: number, high: number): JudgedPhoto {
  const cells = 100;
  const data = new Float32Array(2 * cells);
  for (let i = 0; i < cells; i++) {
    data[cells + i] = high * (1 - i / cells);
    data[i] = 1 - data[cells + i];
  }
  return { probabilities: { data, channels: 2, height: 1, width: cells }, channels: [channel] };
}

/** Area that each channel has with the offsets. */
function areas(photos: readonly JudgedPhoto[], offsets: Float32Array): number[] {
  const out = new Array<number>(offsets.length).fill(0);
  for (const { probabilities: { data, width }, channels: [channel] } of photos) {
    for (let i = 0; i < width; i++) out[Math.log(data[width + i]) + offsets[channel] > Math.log(data[i]) ? channel : 0] += 1 / width;
  }
  return out;
}

test('offsets bring each class near its area: larger, smaller, as it is', () => {
  const photos = [1, 1, 1, 2, 2, 2, 3, 3, 3].map(channel => photo(channel, 0.9));
  const free = areas(photos, new Float32Array(4));
  const targets = [0, 0.5 * free[1], 1.6 * free[2], free[3]];
  const offsets = heldAreas(photos, targets);
  assert.equal(offsets[0], 0, 'the background stays');
  assert.ok(offsets[1] < 0 && offsets[2] > 0 && Math.abs(offsets[3]) < 0.05);
  const held = areas(photos, offsets);
  for (const c of [1, 2, 3]) assert.ok(Math.abs(held[c] - targets[c]) < 0.1 * targets[c], `${held[c]} instead of ${targets[c]}`);
});

test('a class that nobody has stays where it is bounded', () => {
  const offsets = heldAreas([photo(1, 0.9)], [0, 0.4, 0]);
  assert.ok(Number.isFinite(offsets[1]) && offsets[2] === 0);
});

test('areas of shares are in photos, whatever is undecided', () => {
  const areasFound = areasOf([{ shares: Float32Array.of(1, 0, 0, 1, 0, 0), channels: [2] }, { shares: Float32Array.of(0.25, 0.25), channels: [1] }], 3);
  assert.deepEqual([...areasFound], [1, 0.5, 0.5]);
});
