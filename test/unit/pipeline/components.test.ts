/** Connected components against a plain flood fill. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { labelComponents } from '../../../src/pipeline/components';

function flood(mask: Uint8Array, height: number, width: number, connectivity: 4 | 8): number[] {
  const labels = new Array<number>(mask.length).fill(0);
  let count = 0;
  const visit = (y: number, x: number): void => {
    if (y < 0 || x < 0 || y >= height || x >= width || mask[y * width + x] === 0 || labels[y * width + x] !== 0) return;
    labels[y * width + x] = count;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) if (connectivity === 8 || dy === 0 || dx === 0) visit(y + dy, x + dx);
    }
  };
  for (let p = 0; p < mask.length; p++) {
    if (mask[p] === 0 || labels[p] !== 0) continue;
    count++;
    visit(Math.floor(p / width), p % width);
  }
  return labels;
}

test('equals a flood fill', () => {
  const masks = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 })).chain(([height, width]) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      mask: fc.uint8Array({ min: 0, max: 1, minLength: height * width, maxLength: height * width }),
      connectivity: fc.constantFrom<4 | 8>(4, 8),
    }),
  );
  fc.assert(
    fc.property(masks, ({ mask, height, width, connectivity }) => {
      const { labels, count } = labelComponents(mask, height, width, connectivity);
      const expected = flood(mask, height, width, connectivity);
      assert.deepEqual([...labels], expected);
      assert.equal(count, Math.max(0, ...expected));
    }),
    { numRuns: 400 },
  );
});

test('a checkerboard is all singles by sides and one by corners', () => {
  for (const [height, width] of [[5, 5], [4, 6], [1, 1], [1, 7], [7, 1]]) {
    const mask = Uint8Array.from({ length: height * width }, (_, p) => (Math.floor(p / width) + (p % width) + 1) % 2);
    const cells = mask.reduce((sum, v) => sum + v, 0);
    assert.equal(labelComponents(mask, height, width, 4).count, cells);
    if (height > 1 && width > 1) assert.equal(labelComponents(mask, height, width, 8).count, 1);
  }
});

test('a wrong size is refused', () => {
  assert.throws(() => labelComponents(new Uint8Array(5), 2, 3, 4), /2 x 3/);
});
