/** Learning rates over a training. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneCycleRate } from '../../../models/schedules';

test('one cycle has the rates of PyTorch\'s OneCycleLR', () => {
  // torch 1.13, max_lr 0.003, 40 steps, pct_start 0.15
  const expected = [[0, 0.00012], [1, 0.0003950155281000757], [3, 0.002004984471899924], [5, 0.003], [6, 0.002993601290037494], [20, 0.0017756291742277487], [38, 6.410709962506068e-06], [39, 1.2e-08]];
  for (const [step, rate] of expected) assert.ok(Math.abs(oneCycleRate(0.003, step, 40, 0.15) - rate) < 1e-12, `step ${step}`);
});

test('short trainings have finite rates, at most the highest', () => {
  for (const steps of [1, 2, 3]) for (let step = 0; step < steps; step++) for (const rise of [0, 0.5, 1]) {
    const rate = oneCycleRate(0.1, step, steps, rise);
    assert.ok(rate > 0 && rate <= 0.1, `${rate} at ${step} of ${steps}`);
  }
});
