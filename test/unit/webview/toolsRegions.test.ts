import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { LabelMap } from '../../../src/shared/maps';
import type { OpenLayer } from '../../../src/webview/page';
import { componentAt } from '../../../src/webview/edits/component';
import { applyHints, clearHints } from '../../../src/webview/tools/hintCommands';
import { regionTool } from '../../../src/webview/tools/region';
import { acceptRegion, copyPrevious, fillHoles, grow, nextRegion, relabelRegion, removeCrumbs, removeRegion, restoreRegion, shrink, smooth } from '../../../src/webview/tools/regionCommands';
import { selectionAt } from '../../../src/webview/tools/selected';
import { edgesOf } from '../../../src/webview/tools/selectedMarks';
import { emptyMap, mapsWithPixel, picture, rowsOf } from './editSamples';
import { evidence } from './samples';
import { at, drag, fakePage, type FakePage } from './toolSamples';

function removedLayer(labels: LabelMap): OpenLayer {
  return { key: 'removed', kind: 'removed', labels, made: 'removed by MARS' };
}

/** A boat (1) of whose right part MARS removed two regions, the second one with a notch; a cat (2) is left. */
function pageWithRemoved(): FakePage {
  const page = fakePage(picture('11......', '11......', '........', '..22....'), {
    layers: [removedLayer(picture('..111...', '..111...', '.....111', '.......1'))],
    evidence: [
      { ...evidence({ id: 'first', box: [2, 0, 3, 2], area: 6 }), choice: null },
      { ...evidence({ id: 'second', box: [5, 2, 3, 2], area: 4 }), choice: null },
    ],
  });
  return page;
}

test('a removed region comes back with its own pixels, as one edit with its choice, and goes again', () => {
  // The two removed regions touch at a corner: to the layer they are one, to the evidence two.
  const apart = pageWithRemoved();
  apart.hand.selected.value = { evidence: 'second' };
  restoreRegion(apart);
  assert.deepEqual(rowsOf(apart.labels), ['11......', '11......', '.....111', '..22...1']);
  assert.deepEqual(apart.edits.map(({ label, choices }) => [label, choices]), [['Restore boat', [{ evidence: 'second', choice: 'restored' }]]]);
  restoreRegion(apart);
  assert.equal(apart.edits.length, 1);
  assert.match(apart.says.at(-1) ?? '', /in the mask already/);
  removeRegion(apart);
  assert.deepEqual(rowsOf(apart.labels), ['11......', '11......', '........', '..22....']);
  assert.deepEqual(apart.edits.at(-1)?.choices, [{ evidence: 'second', choice: null }]);
  removeRegion(apart);
  assert.equal(apart.edits.length, 2);
});

test('taking the restoring back in VS Code leaves the mask as it was', () => {
  const page = pageWithRemoved();
  page.hand.selected.value = { evidence: 'first' };
  restoreRegion(page);
  assert.deepEqual(rowsOf(page.labels)[0], '11111...');
  page.undo();
  assert.deepEqual(rowsOf(page.labels), ['11......', '11......', '........', '..22....']);
});

test('a layer of removed regions at a lower resolution is stretched over the photo', () => {
  const page = fakePage(emptyMap(8, 4), { layers: [removedLayer(picture('.1..', '.1..'))], evidence: [{ ...evidence({ id: 'a', box: [2, 0, 2, 4], area: 8 }), choice: null }] });
  page.hand.selected.value = { evidence: 'a' };
  restoreRegion(page);
  assert.deepEqual(rowsOf(page.labels), Array.from({ length: 4 }, () => '..11....'));
});

test('the region tool selects what is under the pointer: of the mask, removed, or nothing', () => {
  const page = pageWithRemoved();
  const photo = page.photo.value;
  assert.ok(photo);
  assert.deepEqual(selectionAt(photo, 0, 1), { classId: 1, x: 0, y: 1 });
  assert.deepEqual(selectionAt(photo, 3, 0), { evidence: 'first' });
  assert.deepEqual(selectionAt(photo, 7, 3), { evidence: 'second' });
  assert.equal(selectionAt(photo, 5, 3), null);
  assert.equal(selectionAt(photo, -1, 0), null);

  const tool = regionTool(page);
  drag(tool, at(3, 0));
  assert.deepEqual([page.hand.selected.value, page.panels.side.value], [{ evidence: 'first' }, 'why']);
  drag(tool, at(3, 0, { invert: true }));
  assert.deepEqual(rowsOf(page.labels)[0], '11111...');
  // A restored region is still the removed one.
  drag(tool, at(3, 0));
  assert.deepEqual(page.hand.selected.value, { evidence: 'first' });
  drag(tool, at(3, 3, { invert: true }));
  assert.deepEqual(rowsOf(page.labels)[3], '........');
  page.hand.classId.value = 2;
  drag(tool, at(0, 0, { shift: true }));
  assert.deepEqual(rowsOf(page.labels)[0], '22222...');
  drag(tool, at(4, 3));
  assert.equal(page.hand.selected.value, null);
});

test('next region walks through all regions in reading order and around', () => {
  const page = pageWithRemoved();
  const walked = Array.from({ length: 5 }, () => {
    nextRegion(page);
    return page.hand.selected.value;
  });
  assert.deepEqual(walked, [{ classId: 1, x: 0, y: 0 }, { evidence: 'first' }, { evidence: 'second' }, { classId: 2, x: 2, y: 3 }, { classId: 1, x: 0, y: 0 }]);
  assert.match(page.says[0], /^boat, 4 pixels, region 1 of 4$/);
});

test('the way goes on after a region was removed, and from a pixel in the middle of one', () => {
  const page = fakePage(picture('1.2.1', '1.2.1'));
  page.hand.selected.value = { classId: 2, x: 2, y: 1 };
  nextRegion(page);
  assert.deepEqual(page.hand.selected.value, { classId: 1, x: 4, y: 0 });
  page.hand.selected.value = { classId: 2, x: 2, y: 0 };
  removeRegion(page);
  assert.deepEqual(rowsOf(page.labels), ['1...1', '1...1']);
  nextRegion(page);
  assert.deepEqual(page.hand.selected.value, { classId: 1, x: 4, y: 0 });
  const none = fakePage(emptyMap(3, 3));
  nextRegion(none);
  assert.deepEqual([none.hand.selected.value, none.says], [null, ['This mask has no regions']]);
});

test('accepting a removed region says so to the extension and goes on', () => {
  const page = pageWithRemoved();
  page.hand.selected.value = { evidence: 'first' };
  acceptRegion(page);
  assert.deepEqual(page.asked, [{ ask: 'choose', params: { index: 0, evidence: ['first'], choice: 'accepted' } }]);
  assert.deepEqual(page.hand.selected.value, { evidence: 'second' });
  page.hand.selected.value = { classId: 1, x: 0, y: 0 };
  acceptRegion(page);
  assert.equal(page.asked.length, 1);
  assert.deepEqual(page.edits, []);
});

test('growing and shrinking are about the selected region, else the one under the pointer, and no other', () => {
  const page = fakePage(picture('.......', '.1...1.', '.......'), { scale: 2 });
  grow(page);
  assert.deepEqual([page.edits, page.says], [[], ['Select a region first, or point at one']]);
  page.looks.pointer.value = { x: 5.5, y: 1.5 };
  grow(page);
  assert.deepEqual(rowsOf(page.labels), ['.....1.', '.1..111', '.....1.']);
  page.hand.selected.value = { classId: 1, x: 1, y: 1 };
  grow(page);
  assert.deepEqual(rowsOf(page.labels), ['.1...1.', '111.111', '.1...1.']);
  shrink(page);
  assert.deepEqual(rowsOf(page.labels), ['.....1.', '.1..111', '.....1.']);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Grow boat', 'Grow boat', 'Shrink boat']);
});

test('a selection stays on its region when its pixel is taken away', () => {
  const page = fakePage(picture('.......', '.11111.', '.11111.', '.11111.', '.......'), { scale: 2 });
  page.hand.selected.value = { classId: 1, x: 1, y: 1 };
  shrink(page);
  assert.deepEqual(page.hand.selected.value, { classId: 1, x: 2, y: 2 });
  shrink(page);
  assert.equal(page.hand.selected.value, null);
});

test('smoothing, holes and crumbs are edits of their own', () => {
  const page = fakePage(picture(...Array.from({ length: 12 }, (_, y) => (y === 5 ? '....1.......' : y > 5 ? (y === 9 ? '11111.111111' : '111111111111') : '............'))), { scale: 2 });
  page.hand.selected.value = { classId: 1, x: 0, y: 11 };
  fillHoles(page);
  assert.equal(rowsOf(page.labels)[9], '1'.repeat(12));
  smooth(page);
  assert.equal(rowsOf(page.labels)[5], '.'.repeat(12));
  fillHoles(page);
  assert.match(page.says.at(-1) ?? '', /no holes/);
  page.labels.data[0] = 2;
  removeCrumbs(page);
  assert.equal(page.labels.data[0], 0);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Fill holes of boat', 'Smooth boat', 'Remove small regions']);
});

test('relabelling gives the region the class in hand, and it stays selected', () => {
  const page = fakePage(picture('11.1'), { classId: 2 });
  page.hand.selected.value = { classId: 1, x: 1, y: 0 };
  relabelRegion(page);
  assert.deepEqual([rowsOf(page.labels), page.hand.selected.value], [['22.1'], { classId: 2, x: 1, y: 0 }]);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Relabel boat as cat']);
});

test('the mask of the photo before is copied, stretched, as one edit', async () => {
  const page = fakePage(emptyMap(4, 2), { previous: [picture('12')] });
  copyPrevious(page);
  await setImmediate();
  assert.deepEqual(rowsOf(page.labels), ['1122', '1122']);
  page.undo();
  assert.deepEqual(rowsOf(page.labels), ['....', '....']);
});

test('there may be no photo before, or no mask, or another photo by the time it comes', async () => {
  const first = fakePage(emptyMap(2, 2));
  copyPrevious(first);
  const without = fakePage(emptyMap(2, 2), { previous: [null] });
  copyPrevious(without);
  const left = fakePage(emptyMap(2, 2), { previous: [picture('11', '11')] });
  copyPrevious(left);
  (left.photo as { value: unknown }).value = undefined;
  await setImmediate();
  assert.deepEqual([first.says, without.says], [['There is no photo before this one'], ['The photo before has no mask']]);
  assert.deepEqual([...first.edits, ...without.edits, ...left.edits], []);
  assert.deepEqual(rowsOf(left.labels), ['..', '..']);
});

test('hints are applied by a new run of the photo, and cleared', () => {
  const page = fakePage(emptyMap(4, 4));
  applyHints(page);
  assert.deepEqual([page.asked, page.says], [[], ['Draw a box, a point or a scribble first']]);
  const hints = { boxes: [], points: [{ id: 1, x: 2, y: 3 }], scribbles: [] };
  page.hand.hints.value = hints;
  applyHints(page);
  assert.deepEqual(page.asked, [{ ask: 'rerun', params: { index: 0, hints } }]);
  clearHints(page);
  assert.deepEqual(page.hand.hints.value, { boxes: [], points: [], scribbles: [] });
});

test('nothing may be changed in a workspace that is not trusted', () => {
  const page = fakePage(picture('11'), { readOnly: true });
  page.hand.hints.value = { boxes: [], points: [{ id: 1, x: 0, y: 0 }], scribbles: [] };
  for (const command of [grow, shrink, smooth, fillHoles, removeCrumbs, copyPrevious, removeRegion, relabelRegion, applyHints]) command(page);
  assert.deepEqual([page.edits, page.asked, rowsOf(page.labels)], [[], [], ['11']]);
  assert.equal(page.says.length, 9);
});

test('a mask that must not be changed can be looked at region by region', () => {
  const labels = picture('11.2');
  const page = fakePage(labels, { readOnly: true, layers: [{ key: 'mask', kind: 'mask', labels, made: '' }] });
  nextRegion(page);
  assert.deepEqual(page.hand.selected.value, { classId: 1, x: 0, y: 0 });
  drag(regionTool(page), at(3, 0));
  assert.deepEqual([page.hand.selected.value, page.panels.side.value], [{ classId: 2, x: 3, y: 0 }, 'why']);
  drag(regionTool(page), at(3, 0, { invert: true }));
  assert.deepEqual([page.edits, rowsOf(labels)], [[], ['11.2']]);
});

test('the outline of a selection has each of its outer edges once', () => {
  fc.assert(
    fc.property(mapsWithPixel(), ({ labels, x, y }) => {
      const region = componentAt(labels, x, y, { connectivity: 8 });
      assert.ok(region);
      const { rect, inside } = region;
      let expected = 0;
      inside.forEach((value, p) => {
        if (value === 0) return;
        const [column, row] = [p % rect.width, Math.floor(p / rect.width)];
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          const [nx, ny] = [column + dx, row + dy];
          if (nx < 0 || ny < 0 || nx >= rect.width || ny >= rect.height || inside[ny * rect.width + nx] === 0) expected++;
        }
      });
      const edges = edgesOf(region);
      assert.equal(edges.reduce((sum, [x0, y0, x1, y1]) => sum + x1 - x0 + y1 - y0, 0), expected);
      assert.ok(edges.every(([x0, y0, x1, y1]) => (x0 === x1) !== (y0 === y1)));
    }),
  );
});
