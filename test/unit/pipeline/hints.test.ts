/** Hints at every resolution: what a box, a point and a scribble do to scores and masks, and that they leave everything else alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decided, hintedCells, hintedMask, hintedScores, pinnedClasses, scaledHints } from '../../../src/pipeline/hints';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { plane } from '../../../src/shared/maps';
import type { Hints } from '../../../src/shared/review';

const NONE: Hints = { boxes: [], points: [], scribbles: [] };
const PHOTO = { width: 40, height: 20 };
const IDS = [3, 9];
const flat = (height: number, width: number): Maps => ({ data: new Float32Array(2 * height * width).fill(0.5), channels: 2, height, width });
const full = (label: number): LabelMap => ({ data: new Uint8Array(800).fill(label), ...PHOTO });
/** Row y of plane k, as text: '#' pinned to 1, '.' 0, '-' as it was. */
const row = (maps: Maps, k: number, y: number): string =>
  [...plane(maps, k).subarray(y * maps.width, (y + 1) * maps.width)].map(value => (value === 1 ? '#' : value === 0 ? '.' : '-')).join('');

test('a box limits its class, and no other', () => {
  const hints: Hints = { ...NONE, boxes: [{ id: 3, box: [10, 5, 10, 10] }, { id: 3, box: [30, 0, 5, 20] }] };
  const out = hintedScores(flat(4, 8), IDS, hints, PHOTO);
  assert.deepEqual([0, 1, 2, 3].map(y => row(out, 0, y)), ['......-.', '..--..-.', '..--..-.', '......-.']);
  assert.deepEqual(row(out, 1, 0), '--------');
  const mask = hintedMask(full(3), hints);
  assert.equal(mask.data.reduce((sum, label) => sum + Number(label === 3), 0), 100 + 100);
  assert.deepEqual(hintedMask(full(9), hints), full(9));
});

test('a box that lies between cell centres keeps the cells it touches; one of no size keeps none', () => {
  const small = hintedScores(flat(2, 4), IDS, { ...NONE, boxes: [{ id: 3, box: [1, 1, 2, 2] }] }, PHOTO);
  assert.deepEqual([row(small, 0, 0), row(small, 0, 1)], ['-...', '....']);
  const nothing = hintedScores(flat(2, 4), IDS, { ...NONE, boxes: [{ id: 3, box: [1, 1, 0, 2] }] }, PHOTO);
  assert.deepEqual([row(nothing, 0, 0), row(nothing, 0, 1)], ['....', '....']);
});

test('a point pins its cell on every grid: the class 1, the others 0; background pins all to 0', () => {
  const hints: Hints = { ...NONE, points: [{ id: 3, x: 39, y: 19 }, { id: 0, x: 0, y: 0 }] };
  for (const [h, w] of [[1, 2], [2, 4], [20, 40], [33, 77]]) {
    const out = hintedScores(flat(h, w), IDS, hints, PHOTO);
    assert.deepEqual([out.data[h * w - 1], out.data[2 * h * w - 1]], [1, 0]);
    assert.deepEqual([out.data[0], out.data[h * w]], [0, 0]);
  }
  const mask = hintedMask(full(9), hints);
  assert.deepEqual([mask.data[799], mask.data[0], mask.data[1]], [3, 0, 9]);
});

test('a scribble pins what its brush covers, across the gaps between its points, also on a coarse grid', () => {
  const hints: Hints = { ...NONE, scribbles: [{ id: 9, radius: 1.5, points: [[5, 10], [34, 10]] }] };
  const mask = hintedMask(full(0), hints);
  for (let x = 5; x <= 34; x++) for (const y of [9, 10, 11]) assert.equal(mask.data[y * 40 + x], 9, `${x},${y}`);
  assert.deepEqual([mask.data[8 * 40 + 20], mask.data[12 * 40 + 20]], [0, 0]);
  assert.equal(row(hintedScores(flat(2, 4), IDS, hints, PHOTO), 1, 1), '####');
});

test('the later hint counts where two meet; 255 is pinned on the mask, and leaves scores as they are', () => {
  const hints: Hints = { ...NONE, points: [{ id: 9, x: 3, y: 3 }], scribbles: [{ id: 3, radius: 0.5, points: [[3, 3]] }, { id: 255, radius: 0.5, points: [[20, 3]] }] };
  const mask = hintedMask(full(0), hints);
  assert.deepEqual([mask.data[3 * 40 + 3], mask.data[3 * 40 + 20]], [3, 255]);
  const out = hintedScores(flat(20, 40), IDS, hints, PHOTO);
  assert.equal(out.data[3 * 40 + 20], 0.5);
  assert.deepEqual(pinnedClasses(hints), new Set([9, 3]));
});

test('hints beyond the photo, and of classes without a map, break nothing; what no hint is about stays', () => {
  const near = fc.nat(60);
  const id = fc.constantFrom(0, 3, 9, 77, 255);
  const arbitrary = fc.record({
    boxes: fc.array(fc.record({ id, box: fc.tuple(near, near, near, near) }), { maxLength: 3 }),
    points: fc.array(fc.record({ id, x: near, y: near }), { maxLength: 3 }),
    scribbles: fc.array(fc.record({ id, radius: fc.double({ min: 0.5, max: 8, noNaN: true }), points: fc.array(fc.tuple(near, near), { maxLength: 4 }) }), { maxLength: 2 }),
  });
  fc.assert(fc.property(arbitrary, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), (hints, h, w) => {
    const scores = flat(h, w);
    const out = hintedScores(scores, IDS, hints, PHOTO);
    assert.ok(scores.data.every(value => value === 0.5), 'the scores given changed');
    const about = (k: number): boolean => hints.boxes.some(box => box.id === IDS[k]) || hints.points.length + hints.scribbles.length > 0;
    IDS.forEach((_, k) => plane(out, k).forEach(value => assert.ok(value === 0.5 || (about(k) && (value === 0 || value === 1)))));
    const labels = new Set([9, 0, ...hints.points.map(point => point.id), ...hints.scribbles.map(scribble => scribble.id)]);
    for (const label of hintedMask(full(9), hints).data) assert.ok(labels.has(label));
  }));
});

test('certain cells: pins, and the background outside of all boxes where every class of the photo has some', () => {
  const boxes: Hints['boxes'] = [{ id: 3, box: [0, 0, 10, 10] }, { id: 9, box: [30, 10, 10, 10] }];
  const text = (hints: Hints, ids = IDS): string[] | undefined => {
    const found = hintedCells(hints, ids, PHOTO, 2, 4);
    return found && [0, 1].map(y => [...found.data.subarray(4 * y, 4 * y + 4)].map(label => (label === 255 ? '-' : `${label}`)).join(''));
  };
  assert.deepEqual(text({ ...NONE, boxes }), ['-000', '000-']);
  assert.deepEqual(text({ ...NONE, boxes, points: [{ id: 3, x: 1, y: 1 }, { id: 0, x: 39, y: 19 }] }), ['3000', '0000']);
  assert.equal(text({ ...NONE, boxes: boxes.slice(0, 1) }), undefined, 'the other class may be anywhere');
  assert.deepEqual(text({ ...NONE, boxes: boxes.slice(0, 1) }, [3]), ['-000', '0000']);
  assert.deepEqual(text({ ...NONE, points: [{ id: 9, x: 25, y: 5 }] }, []), ['--9-', '----']);
  assert.equal(text(NONE, []), undefined);
});

test('hints of a photo at another size say the same of its parts', () => {
  const half = { width: 20, height: 10 };
  fc.assert(fc.property(fc.integer({ min: 0, max: 39 }), fc.integer({ min: 0, max: 19 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), (x, y, w, h) => {
    const hints: Hints = { boxes: [{ id: 3, box: [x, y, w, h] }], points: [{ id: 9, x, y }], scribbles: [] };
    const [own, scaled] = [hintedScores(flat(2, 4), IDS, hints, PHOTO), hintedScores(flat(2, 4), IDS, scaledHints(hints, PHOTO, half), half)];
    assert.deepEqual(scaled, own);
  }));
  const hints: Hints = { ...NONE, boxes: [{ id: 3, box: [4, 2, 6, 8] }], scribbles: [{ id: 9, radius: 3, points: [[1, 1], [30, 12]] }] };
  assert.deepEqual(scaledHints(hints, PHOTO, PHOTO), hints);
  assert.equal(scaledHints(hints, PHOTO, half).scribbles[0].radius, 1.5);
});

test('what was decided stands above labels, the background too; 255 decides nothing', () => {
  const of = (...data: number[]): LabelMap => ({ data: Uint8Array.from(data), height: 1, width: data.length });
  const labels = of(3, 3, 0, 255);
  assert.deepEqual(decided(labels, of(255, 0, 9, 255)), of(3, 0, 9, 255));
  assert.deepEqual(labels, of(3, 3, 0, 255));
  assert.equal(decided(labels, undefined), labels);
});
