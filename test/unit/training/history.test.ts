/** What the lines of a training add up to, however often it was interrupted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { TrainingLine, TrainingStageName } from '../../../src/shared/training';
import { lastTagging, stageLine, TrainingHistory } from '../../../src/shared/trainingHistory';

function point(step: number, losses: Record<string, number> = { total: 1 / step }, more: Partial<TrainingLine & { type: 'metrics' }> = {}): TrainingLine {
  return { type: 'metrics', stage: 'decoder', epoch: Math.ceil(step / 10), epochs: 5, step, steps: 50, losses, rate: 0.01, seconds: step, ...more };
}

function sample(epoch: number, photo = 'a.jpg', stage: TrainingStageName = 'decoder', mask = `${stage}-${epoch}.png`): TrainingLine {
  return { type: 'sample', stage, epoch, photo, mask, picture: 'a.jpg' };
}

function historyOf(lines: readonly TrainingLine[]): TrainingHistory {
  const history = new TrainingHistory();
  for (const line of lines) history.add(line);
  return history;
}

function stepsOf(history: TrainingHistory): number[] {
  return history.stages[0]?.points.map(({ step }) => step) ?? [];
}

test('a training that went back to a checkpoint loses what it told after it', () => {
  const history = historyOf([10, 20, 30, 40, 25, 35].map(step => point(step)));
  assert.deepEqual(stepsOf(history), [10, 20, 25, 35]);
});

test('lines that come twice, from disk and from the engine, make one curve', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(40), fc.nat(40), (count, onDisk, from) => {
    const lines = Array.from({ length: count }, (_, i) => point(i + 1));
    // The file was read when it had some lines; from a line at or before its end on, the engine told them.
    const history = historyOf([...lines.slice(0, onDisk), ...lines.slice(Math.min(from, onDisk))]);
    assert.deepEqual(stepsOf(history), lines.map((_, i) => i + 1));
  }));
});

test('the end of an epoch adds its tagging to the point that is there', () => {
  const history = historyOf([point(10, { total: 0.5, a: 0.2 }), point(10, { total: 0.4 }, { tagging: { cat: 0.9 } })]);
  const [curve] = history.stages;
  assert.deepEqual(curve.points.map(({ losses }) => losses), [{ total: 0.4, a: 0.2 }]);
  assert.deepEqual(lastTagging(curve), { cat: 0.9 });
  assert.deepEqual(lastTagging(historyOf([point(10, {}, { tagging: { cat: 0.9 } }), point(20)]).stages[0]), { cat: 0.9 });
});

test('curves that were taken out do not change under the page that draws them', () => {
  const history = historyOf([point(10), sample(0)]);
  const [before, photos] = [history.stages, history.samples];
  history.add(point(20));
  history.add(sample(1));
  assert.deepEqual([before[0].points.length, photos[0].frames.length], [1, 1]);
  assert.deepEqual([history.stages[0].points.length, history.samples[0].frames.length], [2, 2]);
});

test('stages stand in the order they run in, masks by stage and epoch', () => {
  const history = historyOf([point(10), point(5, { total: 1 }, { stage: 'puzzle' }), sample(1), sample(0), sample(2, 'b.jpg'), sample(3, 'a.jpg', 'puzzle'), sample(1, 'a.jpg', 'decoder', 'again.png')]);
  assert.deepEqual(history.stages.map(({ stage }) => stage), ['puzzle', 'decoder']);
  assert.deepEqual(history.samples.map(({ photo, frames }) => [photo, frames.map(({ mask }) => mask)]), [['a.jpg', ['puzzle-3.png', 'decoder-0.png', 'again.png']], ['b.jpg', ['decoder-2.png']]]);
});

test('a stage in one line', () => {
  const { stages } = historyOf([point(10, { total: 1.234 }), point(30, { total: 0.4142 })]);
  assert.equal(stageLine(stages[0]), 'Decoder · epoch 3/5 · step 30/50 · loss 1.23 → 0.41');
  assert.equal(stageLine(historyOf([point(10, { total: 1.234 })]).stages[0]), 'Decoder · epoch 1/5 · step 10/50 · loss 1.23');
  assert.equal(stageLine(historyOf([point(10, {})]).stages[0]), 'Decoder · epoch 1/5 · step 10/50');
});
