import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PhotoViewport } from '../../../src/webview/canvas/viewport';

function viewport({ canvas = [800, 600], photo = [4000, 3000], ratio = 1 } = {}): PhotoViewport {
  const made = new PhotoViewport();
  made.resize(canvas[0], canvas[1], ratio);
  made.show(photo[0], photo[1]);
  return made;
}

const near = (a: number, b: number, why: string): void => assert.ok(Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(b)), `${why}: ${a} is not ${b}`);

test('a photo fits its canvas, in the middle', () => {
  const view = viewport();
  const [topLeft, bottomRight] = [view.toCanvas(0, 0), view.toCanvas(4000, 3000)];
  assert.ok(topLeft.x >= 0 && topLeft.y >= 0 && bottomRight.x <= 800 && bottomRight.y <= 600);
  near(topLeft.x + bottomRight.x, 800, 'middle across');
  near(topLeft.y + bottomRight.y, 600, 'middle down');
});

test('a small photo fits too, but no pixel is larger than 64 device pixels', () => {
  const view = viewport({ photo: [1, 1], ratio: 2 });
  assert.equal(view.scale.value, 32);
});

test('zooming keeps the photo pixel under the pointer, and canvas and photo places are inverse', () => {
  fc.assert(
    fc.property(fc.double({ min: 100, max: 700, noNaN: true }), fc.double({ min: 100, max: 500, noNaN: true }), fc.double({ min: 1, max: 6, noNaN: true }), (x, y, factor) => {
      const view = viewport();
      const before = view.toPhoto(x, y);
      view.zoomAt(x, y, factor);
      const after = view.toPhoto(x, y);
      near(after.x, before.x, 'x');
      near(after.y, before.y, 'y');
      const there = view.toCanvas(before.x, before.y);
      near(there.x, x, 'back x');
      near(there.y, y, 'back y');
    }),
  );
});

test('no wheel and no drag loses the photo', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -3000, max: 3000 }), fc.integer({ min: -3000, max: 3000 })), { maxLength: 30 }), moves => {
      const view = viewport();
      for (const [zooms, dx, dy] of moves) {
        if (zooms) view.zoomAt(Math.abs(dx) % 800, Math.abs(dy) % 600, Math.exp(dy / 500));
        else view.panBy(dx, dy);
      }
      const [topLeft, bottomRight] = [view.toCanvas(0, 0), view.toCanvas(4000, 3000)];
      assert.ok(topLeft.x < 800 && topLeft.y < 600 && bottomRight.x > 0 && bottomRight.y > 0);
      assert.ok(view.scale.value <= 64 && view.scale.value > 0);
    }),
  );
});

test('the view stays for a photo of the same size, and is fitted for another', () => {
  const view = viewport();
  view.zoomAt(400, 300, 5);
  const [scale, origin] = [view.scale.value, view.origin.value];
  view.show(4000, 3000);
  assert.deepEqual([view.scale.value, view.origin.value], [scale, origin]);
  view.show(1000, 1000);
  assert.notEqual(view.scale.value, scale);
});

test('a fitted photo goes on to fit when the canvas changes; a hidden canvas changes nothing', () => {
  const view = viewport();
  view.resize(400, 300, 1);
  assert.ok(view.toCanvas(4000, 3000).x <= 400);
  view.zoomAt(200, 150, 4);
  const before = view.toPhoto(200, 150);
  view.resize(0, 0, 1);
  view.resize(400, 300, 1);
  assert.deepEqual(view.toPhoto(200, 150), before);
});

test('a box that is asked for comes into sight, large enough to be seen', () => {
  for (const box of [{ x: 3900, y: 2900, width: 20, height: 30 }, { x: 0, y: 0, width: 4000, height: 3000 }, { x: 10, y: 2000, width: 1, height: 1 }]) {
    const view = viewport();
    view.reveal(box);
    const [from, to] = [view.toCanvas(box.x, box.y), view.toCanvas(box.x + box.width, box.y + box.height)];
    assert.ok(from.x >= 0 && from.y >= 0 && to.x <= 800 && to.y <= 600, JSON.stringify(box));
    assert.ok(to.x - from.x >= 8, 'too small to be seen');
  }
});
