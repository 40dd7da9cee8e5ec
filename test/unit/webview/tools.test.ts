import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TOOL_NAMES } from '../../../src/webview/page';
import { brushTool } from '../../../src/webview/tools/brush';
import { fillTool, panTool, pickTool } from '../../../src/webview/tools/clickTools';
import { boxTool, hintNear, pointTool, scribbleTool } from '../../../src/webview/tools/hints';
import { KeyboardCursor } from '../../../src/webview/tools/keyboardCursor';
import { lassoTool } from '../../../src/webview/tools/lasso';
import { toolFor } from '../../../src/webview/tools/registry';
import { fillHoles, grow, relabelRegion, removeCrumbs, removeRegion, nextRegion, shrink, smooth } from '../../../src/webview/tools/regionCommands';
import { resizeTool } from '../../../src/webview/tools/size';
import { interruptStroke } from '../../../src/webview/tools/stroke';
import { wandTolerance, wandTool } from '../../../src/webview/tools/wand';
import { emptyMap, picture, rowsOf } from './editSamples';
import { at, drag, fakePage } from './toolSamples';

test('a stroke is one edit, and taking it back leaves no trace', () => {
  const page = fakePage(picture('.....', '..2..', '.....'));
  drag(brushTool(page, 'brush'), at(0, 1), at(2, 1), at(4, 1), at(4, 2));
  assert.deepEqual(rowsOf(page.labels), ['.....', '11111', '....1']);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Paint boat']);
  page.undo();
  assert.deepEqual(rowsOf(page.labels), ['.....', '..2..', '.....']);
});

test('a thousand edits by all tools and commands, taken back and repeated one after the other, give the same bytes', () => {
  const [width, height] = [90, 70];
  const labels = emptyMap(width, height);
  const page = fakePage(labels, { scale: 2 });
  const tools = [...TOOL_NAMES.filter(name => name !== 'wand').map(name => toolFor(name, page)), wandTool(page, ({ x, y, width: w, height: h }) => new Uint8ClampedArray(w * h * 4).map((_, i) => 40 * ((x + (i >> 2)) % w >> 4) + y))];
  const commands = [grow, shrink, smooth, fillHoles, removeCrumbs, removeRegion, relabelRegion, nextRegion];
  const [draws] = fc.sample(fc.array(fc.tuple(fc.nat(), fc.nat(width), fc.nat(height), fc.nat(width), fc.nat(height), fc.nat(7)), { minLength: 4000, maxLength: 4000 }), { seed: 1, numRuns: 1 });
  const states: Uint8Array[] = [labels.data.slice()];
  for (const [what, ax, ay, bx, by, how] of draws) {
    page.hand.classId.value = how % 4;
    page.hand.radius.value = 0.5 + (what % 9);
    page.looks.pointer.value = { x: ax, y: ay };
    const held = { invert: how === 5, shift: how === 6 };
    if (what % 3 === 0) commands[what % commands.length](page);
    else drag(tools[what % tools.length], at(ax, ay, held), at(bx, ay, held), at(bx, by, held));
    if (page.edits.length === states.length) states.push(labels.data.slice());
    assert.equal(page.edits.length, states.length - 1, 'one stroke, one edit');
  }
  assert.ok(states.length > 1000, `${states.length} states`);
  for (let i = states.length - 1; i > 0; i--) {
    assert.deepEqual(labels.data, states[i]);
    page.undo();
  }
  assert.ok(labels.data.every(label => label === 0));
  for (let i = 1; i < states.length; i++) {
    page.redo();
    assert.deepEqual(labels.data, states[i]);
  }
});

test('Escape in the middle of a stroke puts every pixel back and sends nothing', () => {
  const place = fc.tuple(fc.integer({ min: -5, max: 65 }), fc.integer({ min: -5, max: 45 }));
  fc.assert(
    fc.property(fc.constantFrom(...TOOL_NAMES), fc.array(place, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 20 }), fc.boolean(), (name, places, half, invert) => {
      const labels = emptyMap(60, 40);
      labels.data.forEach((_, p) => (labels.data[p] = (p * 7919) % 3));
      const before = labels.data.slice();
      const page = fakePage(labels, { radius: half / 2 });
      const tool = name === 'wand' ? wandTool(page, ({ width, height }) => new Uint8ClampedArray(width * height * 4)) : toolFor(name, page);
      const [first, ...others] = places.map(([x, y]) => at(x, y, { invert }));
      tool.down(first);
      for (const other of others) tool.move(other);
      tool.cancel();
      assert.deepEqual(labels.data, before);
      assert.deepEqual(page.edits, []);
      // And the button that is let go afterwards does nothing.
      tool.up(first);
      assert.deepEqual(page.edits, []);
      assert.deepEqual(labels.data, before);
    }),
  );
});

test('the modifier makes the brush an eraser and the eraser a brush', () => {
  const page = fakePage(picture('2222'), { classId: 1 });
  drag(brushTool(page, 'brush'), at(0, 0, { invert: true }), at(1, 0));
  drag(brushTool(page, 'eraser'), at(2, 0));
  drag(brushTool(page, 'eraser'), at(3, 0, { invert: true }));
  assert.deepEqual(rowsOf(page.labels), ['...1']);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Erase', 'Erase', 'Paint boat']);
});

test('with shift, the brush keeps to the background and the eraser to the class in hand', () => {
  const page = fakePage(picture('.2.1'), { classId: 1 });
  drag(brushTool(page, 'brush'), at(0, 0, { shift: true }), at(3, 0));
  assert.deepEqual(rowsOf(page.labels), ['1211']);
  drag(brushTool(page, 'eraser'), at(0, 0, { shift: true }), at(3, 0));
  assert.deepEqual(rowsOf(page.labels), ['.2..']);
});

test('a stroke that changes nothing is no edit', () => {
  const page = fakePage(picture('11'), { classId: 1 });
  drag(brushTool(page, 'brush'), at(0, 0), at(1, 0));
  assert.deepEqual(page.edits, []);
});

test('nothing is written where nothing may be, and the page says so', () => {
  const page = fakePage(picture('..'), { readOnly: true });
  for (const name of TOOL_NAMES.filter(tool => !['pan', 'region', 'pick'].includes(tool))) {
    page.says.length = 0;
    drag(toolFor(name, page), at(0, 0), at(1, 0));
    assert.match(page.says.join(), /not trusted/, name);
  }
  assert.deepEqual([rowsOf(page.labels), page.edits, page.hand.hints.value], [['..'], [], { boxes: [], points: [], scribbles: [] }]);
});

test('whoever writes in the middle of a stroke finds the mask as it was, and the stroke is over', () => {
  const page = fakePage(picture('....'));
  const tool = brushTool(page, 'brush');
  tool.down(at(0, 0));
  interruptStroke(page.labels);
  assert.deepEqual(rowsOf(page.labels), ['....']);
  tool.move(at(2, 0));
  tool.up(at(3, 0));
  assert.deepEqual([rowsOf(page.labels), page.edits], [['....'], []]);
});

test('fill takes the region under the pointer, or its holes', () => {
  const page = fakePage(picture('11111', '1.1.1', '11211', '..2..'), { classId: 2 });
  const tool = fillTool(page);
  drag(tool, at(0, 0, { shift: true }));
  assert.deepEqual(rowsOf(page.labels), ['11111', '11111', '11211', '..2..']);
  drag(tool, at(0, 3));
  assert.deepEqual(rowsOf(page.labels), ['11111', '11111', '11211', '222..']);
  drag(tool, at(0, 0, { invert: true }));
  assert.deepEqual(rowsOf(page.labels), ['.....', '.....', '..2..', '222..']);
  assert.deepEqual(page.edits.map(({ label }) => label), ['Fill holes of boat', 'Fill with cat', 'Fill with background']);
});

test('pick takes the class under the pointer into the hand', () => {
  const page = fakePage(picture('.2'), { classId: 1 });
  const tool = pickTool(page);
  drag(tool, at(1, 0));
  assert.equal(page.hand.classId.value, 2);
  drag(tool, at(5, 0));
  assert.equal(page.hand.classId.value, 2);
  assert.deepEqual(page.says, ['In hand: cat']);
});

test('the hand moves the photo by as much as the pointer', () => {
  const page = fakePage(emptyMap(100, 100), { scale: 2 });
  drag(panTool(page), at(10, 10), at(13, 9));
  assert.deepEqual(page.panned, [{ x: 6, y: -2 }]);
});

test('the lasso fills what a drag goes around; clicks make a polygon that closes at its first corner', () => {
  const page = fakePage(emptyMap(40, 40));
  const tool = lassoTool(page);
  drag(tool, at(2, 2), at(20, 2), at(20, 10), at(2, 10));
  assert.equal(page.edits.length, 1);
  assert.equal(page.labels.data.filter(label => label === 1).length, 18 * 8);

  for (const place of [at(5, 20), at(35, 20), at(35, 35), at(5, 35)]) drag(tool, place);
  assert.equal(page.edits.length, 1);
  drag(tool, at(6, 21));
  assert.equal(page.edits.length, 2);
  assert.equal(page.labels.data.filter(label => label === 1).length, 18 * 8 + 30 * 15);
  page.hand.classId.value = 2;
  drag(tool, at(0, 0, { shift: true }), at(39, 0), at(39, 39), at(0, 39, { shift: true }));
  assert.equal(page.labels.data.filter(label => label === 1).length, 18 * 8 + 30 * 15);
});

test('dragging the wand to the right takes more; Escape gives the tolerance back as well', () => {
  const page = fakePage(emptyMap(100, 1), { classId: 2 });
  // A ramp of greys.
  const tool = wandTool(page, ({ x, width, height }) => new Uint8ClampedArray(width * height * 4).map((_, i) => x + (i >> 2)));
  wandTolerance.value = 4;
  tool.down(at(50, 0));
  const narrow = page.labels.data.filter(label => label === 2).length;
  tool.move(at(80, 0));
  assert.equal(wandTolerance.value, 9);
  assert.ok(page.labels.data.filter(label => label === 2).length > narrow);
  tool.move(at(50, 0));
  assert.equal(page.labels.data.filter(label => label === 2).length, narrow);
  tool.move(at(80, 0));
  tool.cancel();
  assert.equal(wandTolerance.value, 4);
  assert.ok(page.labels.data.every(label => label === 0));
  drag(tool, at(50, 0));
  assert.equal(page.edits.length, 1);
  page.undo();
  assert.ok(page.labels.data.every(label => label === 0));
});

test('boxes, points and scribbles are collected as hints of the class in hand, inside the photo', () => {
  const page = fakePage(emptyMap(30, 20), { classId: 2, radius: 3 });
  drag(boxTool(page), at(25, 15), at(40, 4));
  drag(pointTool(page), at(3, 4));
  drag(pointTool(page), at(-3, 4));
  page.hand.classId.value = 0;
  drag(scribbleTool(page), at(1, 1), at(1.2, 1), at(9, 1), at(9, 50));
  drag(boxTool(page), at(1, 1), at(9, 9));
  assert.deepEqual(page.hand.hints.value, {
    boxes: [{ id: 2, box: [25, 4, 5, 12] }],
    points: [{ id: 2, x: 3, y: 4 }],
    scribbles: [{ id: 0, radius: 3, points: [[1, 1], [9, 1], [9, 19]] }],
  });
  assert.match(page.says.join(), /A box needs a class/);
  assert.ok(page.labels.data.every(label => label === 0));
});

test('a hint is taken away by the modifier; the nearest one', () => {
  const page = fakePage(emptyMap(300, 300));
  page.hand.hints.value = { boxes: [{ id: 1, box: [10, 10, 50, 50] }], points: [{ id: 1, x: 57, y: 30 }], scribbles: [{ id: 1, radius: 5, points: [[100, 100], [200, 100]] }] };
  assert.deepEqual(hintNear(page.hand.hints.value, { x: 57, y: 30 }, 8), { kind: 'points', index: 0 });
  assert.deepEqual(hintNear(page.hand.hints.value, { x: 12, y: 40 }, 8), { kind: 'boxes', index: 0 });
  assert.equal(hintNear(page.hand.hints.value, { x: 35, y: 35 }, 8), undefined);
  drag(boxTool(page), at(150, 108, { invert: true }));
  assert.deepEqual(page.hand.hints.value.scribbles, []);
  assert.equal(page.hand.hints.value.boxes.length, 1);
});

test('sizes go up and down in steps and stay in bounds', () => {
  const page = fakePage(emptyMap(2, 2), { radius: 0.5 });
  const seen = Array.from({ length: 60 }, () => {
    resizeTool(page, 1);
    return page.hand.radius.value;
  });
  assert.deepEqual(seen.slice(0, 4), [1, 1.5, 2, 2.5]);
  assert.equal(seen.at(-1), 500);
  for (let i = 0; i < 60; i++) resizeTool(page, -1);
  assert.equal(page.hand.radius.value, 0.5);
  page.hand.tool.value = 'wand';
  wandTolerance.value = 1;
  for (let i = 0; i < 3; i++) resizeTool(page, -1);
  assert.deepEqual([wandTolerance.value, page.hand.radius.value], [0, 0.5]);
});

test('with keys alone: a cursor that paints from where Enter presses to where it lets go', () => {
  const page = fakePage(emptyMap(100, 100), { scale: 4 });
  const tool = brushTool(page, 'brush');
  const cursor = new KeyboardCursor(page, () => tool);
  const press = (...keys: string[]): boolean[] => keys.map(key => cursor.key(key, { shift: false, invert: false }));
  assert.deepEqual(press('ArrowLeft', 'Escape', 'x'), [false, false, false]);
  assert.deepEqual(press('Enter', 'Enter', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'Enter'), [true, true, true, true, true, true]);
  assert.deepEqual(Array.from(page.labels.data.keys()).filter(p => page.labels.data[p] === 1), [5050, 5051, 5052, 5152]);
  assert.equal(page.edits.length, 1);
  press('Enter', 'ArrowLeft', 'Escape');
  assert.equal(page.labels.data.filter(label => label === 1).length, 4);
  assert.deepEqual(page.looks.pointer.value, { x: 51.5, y: 51.5 });
  press('Escape');
  assert.equal(page.looks.pointer.value, null);
  assert.deepEqual(press('ArrowLeft'), [false]);
});
