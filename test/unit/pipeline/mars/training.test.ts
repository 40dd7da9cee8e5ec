/** What training takes from here: complemented labels with their weights, and STEGO's loss. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argmaxLabels, complement, complementedLoss } from '../../../../src/pipeline/mars/complement';
import { stegoCorrelation } from '../../../../src/pipeline/mars/stegoCorrelation';
import type { LabelMap, Maps } from '../../../../src/shared/maps';
import { fixture, reference } from '../../../shared';

const close = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number) => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) <= tolerance, `value ${i}: ${actual[i]} instead of ${value}`));
};
const mapsOf = (values: number[][][]): Maps => ({ data: Float32Array.from(values.flat(2)), channels: values.length, height: values[0].length, width: values[0][0].length });

function softmax({ data, channels, height, width }: Maps): Maps {
  const size = height * width;
  const out = new Float32Array(data.length);
  for (let p = 0; p < size; p++) {
    const powers = Array.from({ length: channels }, (_, c) => Math.exp(data[c * size + p]));
    const sum = powers.reduce((a, b) => a + b);
    powers.forEach((power, c) => (out[c * size + p] = power / sum));
  }
  return { data: out, channels, height, width };
}

/** Labels with -1 for removed pixels of class 1, as mask and what was removed. */
function parts(debiased: number[][]): { mask: LabelMap; removed: LabelMap } {
  const flat = debiased.flat();
  const size = { height: debiased.length, width: debiased[0].length };
  return { mask: { data: Uint8Array.from(flat, label => (label < 0 ? 1 : label)), ...size }, removed: { data: Uint8Array.from(flat, label => (label < 0 ? 1 : 0)), ...size } };
}

interface ComplementFixture {
  debiased_label: number[][];
  teacher_logits: number[][][];
  student_logits: number[][][];
  tags: number[];
  teacher_label: number[][];
  complemented_label: number[][];
  certain_mask: number[][];
  wce_sum: number;
  wce_mean_over_pixels: number;
  tolerance: number;
}

test('complementing: the teacher fills, the certain mask weighs, the loss', reference('spec/fixtures/mars-complement.json'), () => {
  const expected = fixture<ComplementFixture>('mars-complement.json');
  const { mask, removed } = parts(expected.debiased_label);
  const teacher = softmax(mapsOf(expected.teacher_logits));
  const teacherLabels = argmaxLabels(teacher);
  assert.deepEqual([...teacherLabels.data], expected.teacher_label.flat());
  const complemented = complement(mask, removed, teacher, teacherLabels, expected.tags);
  assert.deepEqual([...complemented.labels.data], expected.complemented_label.flat());
  close(complemented.weights.data, expected.certain_mask.flat(), expected.tolerance);
  const loss = complementedLoss(softmax(mapsOf(expected.student_logits)), complemented);
  close([loss.sum, loss.mean], [expected.wce_sum, expected.wce_mean_over_pixels], 1e-5);
});

test('undecided pixels neither weigh nor count; a photo without tags weighs nothing where removed', () => {
  const size = { height: 1, width: 3 };
  const mask = { data: Uint8Array.of(255, 1, 0), ...size };
  const removed = { data: Uint8Array.of(0, 1, 0), ...size };
  const probabilities: Maps = { data: Float32Array.of(0.5, 0.25, 0.5, 0.5, 0.75, 0.5), channels: 2, ...size };
  const complemented = complement(mask, removed, probabilities, argmaxLabels(probabilities), [1]);
  assert.deepEqual([...complemented.labels.data], [255, 1, 0]);
  assert.deepEqual([...complemented.weights.data], [0, 0.75, 1]);
  close([complementedLoss(probabilities, complemented).mean], [(-0.75 * Math.log(0.75) - Math.log(0.5)) / 2], 1e-6);
  assert.deepEqual([...complement(mask, removed, probabilities, argmaxLabels(probabilities), []).weights.data], [0, 0, 1]);
  const undecided = { labels: { data: Uint8Array.of(255, 255, 255), ...size }, weights: { data: new Float32Array(3), channels: 1, ...size } };
  assert.deepEqual(complementedLoss(probabilities, undecided), { mean: 0, sum: 0 });
  assert.throws(() => complement(mask, removed, probabilities, argmaxLabels(probabilities), [2]), /class 2/);
  assert.throws(() => complement(mask, { data: new Uint8Array(2), height: 1, width: 2 }, probabilities, mask, [1]), /1 x 2/);
});

test("STEGO's correspondence loss: the upstream term", reference('spec/fixtures/mars-ext-stego-corr.json'), () => {
  type Batch = number[][][][];
  const expected = fixture<{ f1: Batch; f2: Batch; c1: Batch; c2: Batch; shift: number; loss_mean: number; loss_0_0_0: number[][]; code_corr_0_0_0: number[][]; tolerance: number }>('mars-ext-stego-corr.json');
  const pairs = expected.f1.map((_, i) => ({ features: [mapsOf(expected.f1[i]), mapsOf(expected.f2[i])] as const, codes: [mapsOf(expected.c1[i]), mapsOf(expected.c2[i])] as const }));
  const { mean, terms, codeCosines } = stegoCorrelation(pairs, expected.shift);
  close([mean], [expected.loss_mean], expected.tolerance);
  close(terms[0].subarray(0, 9), expected.loss_0_0_0.flat(), expected.tolerance);
  close(codeCosines[0].subarray(0, 9), expected.code_corr_0_0_0.flat(), expected.tolerance);
  assert.throws(() => stegoCorrelation([], 0.1), /no pair/);
});
