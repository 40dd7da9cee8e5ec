import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyPatch, patchOf } from '../../../src/shared/labelPatch';
import { Recorder } from '../../../src/webview/edits/recorder';
import { boundOfLine, stampLine } from '../../../src/webview/edits/stampLine';
import { assertOnlyChangedInside, copyOf, emptyMap } from './editSamples';

const point = fc.record({ x: fc.double({ min: -40, max: 340, noNaN: true }), y: fc.double({ min: -40, max: 240, noNaN: true }) });
const line = fc.record({ a: point, b: point, radius: fc.integer({ min: 1, max: 60 }).map(half => half / 2), label: fc.nat(3) });

test('the edit of a stroke is the smallest one, and taking it back and repeating it give the same bytes', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), fc.array(line, { minLength: 1, maxLength: 8 }), (earlier, stroke) => {
      const labels = emptyMap(300, 200);
      for (const { a, b, radius, label } of earlier) stampLine(labels, a, b, { radius, label });
      const before = copyOf(labels);
      const recorder = new Recorder(labels);
      for (const { a, b, radius, label } of stroke) {
        recorder.keep(boundOfLine(a, b, radius));
        stampLine(labels, a, b, { radius, label });
      }
      const after = copyOf(labels);
      const changed = recorder.changed();
      assertOnlyChangedInside(before, labels, changed?.rect, true);
      if (changed) {
        const patch = patchOf(labels, changed.rect, changed.before);
        applyPatch(labels, patch, 'undo');
        assert.deepEqual(labels.data, before.data);
        applyPatch(labels, patch, 'redo');
        assert.deepEqual(labels.data, after.data);
      }
      assertOnlyChangedInside(before, after, recorder.restore(), true);
      assert.deepEqual(labels.data, before.data);
      assert.equal(recorder.changed(), undefined);
    }),
    { numRuns: 60 },
  );
});

test('what is kept a second time stays as it was kept first', () => {
  const labels = emptyMap(10, 10);
  const recorder = new Recorder(labels);
  recorder.keep({ x: 0, y: 0, width: 10, height: 10 });
  labels.data.fill(1);
  recorder.keep({ x: -5, y: 3, width: 40, height: 2 });
  labels.data.fill(2);
  recorder.restore();
  assert.ok(labels.data.every(label => label === 0));
});
