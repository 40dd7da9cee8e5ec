/** The queue's order: filters, sorting with unknown values, ranges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { QueueItem } from '../../../src/shared/review';
import { matcher, nameRanks, NO_FILTER, QUEUE_SORTS, rangeBetween, shownPhotos } from '../../../src/shared/queueOrder';
import { queueItem } from '../webview/samples';

const ITEMS: QueueItem[] = [
  queueItem({ photo: 'sea/10.jpg', state: 'accepted', tags: [1], change: 0.2 }),
  queueItem({ photo: 'sea/9.jpg', tags: [1, 2], uncertainty: { ignore: 0.5, entropy: 0.1, fragile: 0.3, size: null }, change: null }),
  queueItem({ photo: 'land/1.jpg', state: 'edited', tags: [3], areas: [{ id: 2, share: 0.1 }], uncertainty: { ignore: 0.1, entropy: 0.9, fragile: 0, size: 0.2 }, change: 0.7 }),
  queueItem({ photo: 'land/2.jpg', state: 'untagged' }),
];

test('names are sorted as people count: 9 before 10', () => {
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'name'), [2, 3, 1, 0]);
});

test('uncertainty and change put the largest first and the unknown last; ties go by name', () => {
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'ignore'), [1, 2, 3, 0]);
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'entropy'), [2, 1, 3, 0]);
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'size'), [2, 3, 1, 0]);
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'change'), [2, 0, 3, 1]);
});

test('a known 0 comes before an unknown value', () => {
  assert.deepEqual(shownPhotos(ITEMS, NO_FILTER, 'fragile'), [1, 2, 3, 0]);
});

test('filters: words of the path in any case, states, classes by tag or by area, fragile evidence', () => {
  const shown = (filter: object): number[] => ITEMS.flatMap((item, i) => (matcher({ ...NO_FILTER, ...filter })(item) ? [i] : []));
  assert.deepEqual(shown({ text: ' SEA  jpg ' }), [0, 1]);
  assert.deepEqual(shown({ text: 'sea land' }), []);
  assert.deepEqual(shown({ states: new Set(['edited', 'untagged']) }), [2, 3]);
  assert.deepEqual(shown({ classId: 2 }), [1, 2]);
  assert.deepEqual(shown({ fragile: true }), [1]);
});

test('every sort shows exactly the photos that pass, each once', () => {
  const item = fc.record({ ignore: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), change: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), state: fc.constantFrom('auto', 'edited', 'failed') });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 40 }), fc.constantFrom(...QUEUE_SORTS), (drawn, sort) => {
      const items = drawn.map(({ ignore, change, state }, i) => queueItem({ photo: `${i}.jpg`, state, change, uncertainty: { ignore, entropy: ignore, fragile: ignore, size: ignore } }));
      const filter = { ...NO_FILTER, states: new Set(['auto', 'edited'] as const) };
      const shown = shownPhotos(items, filter, sort);
      assert.deepEqual([...shown].sort((a, b) => a - b), items.flatMap((one, i) => (matcher(filter)(one) ? [i] : [])));
    }),
  );
});

test('the ranking of names is made anew only when the photos are others', () => {
  const ranks = nameRanks(ITEMS);
  assert.equal(nameRanks(ITEMS.map(item => ({ ...item, state: 'accepted' as const })), ranks), ranks);
  assert.notEqual(nameRanks(ITEMS.slice(1), ranks), ranks);
  assert.deepEqual([...nameRanks(ITEMS.slice(1), ranks).ranks], [2, 0, 1]);
});

test('a range is what lies between in the order shown', () => {
  assert.deepEqual(rangeBetween([4, 2, 7, 1], 1, 2), [2, 7, 1]);
  assert.deepEqual(rangeBetween([4, 2], 9, 2), [2]);
});
