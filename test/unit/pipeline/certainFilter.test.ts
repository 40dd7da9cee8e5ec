/** The certain filter against the reference toy and its own rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { certainFilter } from '../../../src/pipeline/certainFilter';
import type { Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

const stack = (channels: number, height: number, width: number, values: number[]): Maps => ({
  data: Float32Array.from(values),
  channels,
  height,
  width,
});

test('labels of the reference toy', reference('spec/fixtures/certain_filter_toy.json'), () => {
  const toy = fixture<{ inputs: { scores: { data: number[] }; class_keys: number[] }; outputs: { label: { data: number[] } } }>(
    'certain_filter_toy.json',
  );
  const labels = certainFilter(stack(2, 4, 4, toy.inputs.scores.data), toy.inputs.class_keys);
  assert.deepEqual([...labels.data], toy.outputs.label.data);
});

test('both thresholds are inclusive and the first class wins a tie', () => {
  const labels = certainFilter(stack(2, 1, 5, [0.55, 0.1, 0.2, 0.7, 0, 0.3, 0.05, 0.2, 0.7, 0]), [9, 4]);
  assert.deepEqual([...labels.data], [9, 0, 255, 9, 0]);
});

test('renormalising lets a weak class reach the threshold', () => {
  const scores = stack(2, 1, 3, [0.4, 0.2, 0, 0, 0, 0]);
  assert.deepEqual([...certainFilter(scores, [1, 2]).data], [255, 255, 0]);
  assert.deepEqual([...certainFilter(scores, [1, 2], { renormalise: true }).data], [1, 255, 0]);
});

test('a photo without maps is all background; ids must match channels', () => {
  assert.deepEqual([...certainFilter(stack(0, 2, 2, []), []).data], [0, 0, 0, 0]);
  assert.throws(() => certainFilter(stack(1, 1, 1, [0]), []), /class ids/);
});

test('stricter thresholds only turn decided pixels into undecided ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
      fc.double({ min: 0, max: 0.4, noNaN: true }),
      (values, margin) => {
        const scores = stack(2, 2, 3, values);
        const loose = certainFilter(scores, [1, 2], { foreground: 0.5, background: 0.5 });
        const strict = certainFilter(scores, [1, 2], { foreground: 0.5 + margin, background: 0.5 - margin });
        strict.data.forEach((label, p) => assert.ok(label === 255 || label === loose.data[p]));
        assert.ok(!loose.data.includes(255));
      },
    ),
  );
});
