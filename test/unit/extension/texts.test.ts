/**
 * Lines for people: progress, summary, tables.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { maskNames } from '../../../src/extension/photoNames';
import { bytesText, fractionDone, MASK_SHARES, shortCounts, startText, statusText, summaryLine, TRAINING_SHARES, trainingSummaryLine } from '../../../src/extension/progressText';
import { scoresReport, table } from '../../../src/extension/reportText';
import { STAGES, type Plan, type RunSummary } from '../../../src/shared/protocol';
import { countsText, durationText, lossText, progressLine, type Progress } from '../../../src/shared/runTexts';

const progress: Progress = { type: 'progress', stage: 'masks', done: 312, total: 2000, photosPerSecond: 1.23, secondsLeft: 1372, device: 'CPU, 2 threads' };
const run: RunSummary = {
  id: '1', root: '/photos', started: '2026-01-01T00:00:00Z', seconds: 12.4, state: 'done', device: 'WebGPU', photos: 9, written: 1, kept: 2, skipped: 3, untagged: 0,
  failed: [{ photo: 'a.jpg', reason: 'bad-image', message: 'ends too early' }], notes: [],
};

test('progress has count, stage, speed, time left and device', () => {
  assert.equal(progressLine(progress), '312/2,000 photos · making masks · 1.2 photos/s · 23 min left · CPU, 2 threads');
  assert.equal(statusText(progress), 'Masks 312/2,000 · CPU, 2 threads');
});

test('progress leaves out what is not known', () => {
  assert.equal(progressLine({ ...progress, stage: 'scan', total: 0, done: 0, photosPerSecond: null, secondsLeft: null, device: '' }), 'reading the folder');
});

test('a training counts steps and tells its loss', () => {
  const training: Progress = { ...progress, stage: 'train', done: 120, total: 900, photosPerSecond: 2.13 };
  assert.equal(progressLine(training, 0.4142), '120/900 steps · training · loss 0.41 · 2.1 steps/s · 23 min left · CPU, 2 threads');
  assert.equal(statusText(training, 'train', 0.4142), 'Training 120/900 steps · loss 0.41');
  assert.equal(statusText(training, 'train'), 'Training 120/900 steps');
  assert.equal(statusText({ ...progress, stage: 'features' }, 'train'), 'Training: preparing 312/2,000 · CPU, 2 threads');
  assert.match(progressLine({ ...training, photosPerSecond: 0.125 }), /· 8\.0 s a step ·/);
  assert.match(progressLine({ ...training, photosPerSecond: 0.04 }), /· 25 s a step ·/);
  assert.equal(progressLine({ ...training, stage: 'seeds' }, 0.4), '120/900 photos · making labels · 2.1 photos/s · 23 min left · CPU, 2 threads');
});

test('losses are told with the digits that matter', () => {
  assert.deepEqual([0, 0.0001234, 0.4142, 1.2345, 123.4, NaN].map(lossText), ['0', '0.00012', '0.41', '1.23', '123', 'not a number']);
});

test("a training's end names what it came to", () => {
  const point = { stage: 'decoder', epoch: 8, epochs: 8, step: 900, steps: 900, losses: { total: 0.41 }, rate: 0.001, seconds: 12 } as const;
  const curves = [{ stage: 'decoder', points: [{ ...point, epoch: 1, step: 10, losses: { total: 1.2 } }, point] }] as const;
  assert.equal(trainingSummaryLine({ ...run, job: 'train', failed: [] }, curves), 'SeedMask training done (12 s, on WebGPU). Decoder · epoch 8/8 · step 900/900 · loss 1.2 → 0.41.');
  assert.equal(trainingSummaryLine({ ...run, job: 'train', state: 'failed', error: 'the loss is not finite' }, []), 'SeedMask training stopped (12 s, on WebGPU): the loss is not finite. 1 photo could not be learnt from.');
});

for (const [name, shares] of Object.entries({ 'making masks': MASK_SHARES, training: TRAINING_SHARES })) {
  test(`the done part of ${name} grows from stage to stage and stays within 0..1`, () => {
    const stages = STAGES.filter(stage => stage !== 'evaluate');
    const parts = stages.flatMap(stage => [0, 5, 10].map(done => Math.round(1e9 * fractionDone({ ...progress, stage, done, total: 10 }, shares))));
    assert.deepEqual(parts, [...parts].sort((a, b) => a - b));
    fc.assert(fc.property(fc.constantFrom(...STAGES), fc.nat(), fc.nat(), (stage, done, total) => {
      const part = fractionDone({ ...progress, stage, done, total }, shares);
      return part >= 0 && part <= 1 + 1e-9;
    }));
  });
}

test('the summary counts everything and names failures with their reasons', () => {
  assert.equal(countsText(run), '1 mask written, 2 kept because edited, 3 skipped because done, 1 failed');
  assert.equal(shortCounts(run), '1 written, 1 failed, 2 kept, 3 done before');
  assert.equal(shortCounts({ written: 0, kept: 0, skipped: 0, untagged: 0, failed: [] }), '');
  assert.equal(summaryLine(run), 'SeedMask done. 1 mask written, 2 kept because edited, 3 skipped because done, 1 failed (12 s, on WebGPU). Failed: a.jpg: ends too early.');
});

test('a start tells how many masks are missing; untagged photos are none of them', () => {
  const plan: Plan = { root: '/photos', photos: 9, tagSource: 'tags.json', classes: [{ id: 1, name: 'cat', photos: 9 }], untagged: Array.from({ length: 30 }, (_, i) => `${i}.jpg`), empty: 0, edited: 2, trains: false, done: 3, notes: [] };
  assert.equal(startText(plan), '4 masks to make, 1 class');
  assert.equal(startText({ ...plan, done: 7 }), 'every photo has a mask; what is out of date is made anew');
});

test('a thousand failures make one short message', () => {
  const failed = Array.from({ length: 1000 }, (_, i) => ({ photo: `${i}.jpg`, reason: 'bad-image', message: 'bad' }));
  assert.match(summaryLine({ ...run, failed }), /1,000 failed.*Failed: 0\.jpg: bad; 1\.jpg: bad; 2\.jpg: bad; and 997 more\.$/);
});

test('durations and sizes are rounded for people', () => {
  assert.deepEqual([0.4, 89, 100, 7500].map(durationText), ['0 s', '89 s', '2 min', '2 h 05 min']);
  assert.deepEqual([0, 1.5 * 2 ** 20, 2 ** 30 * 3.4].map(bytesText), ['0 MB', '1.5 MB', '3.4 GB']);
});

test('the mask of a photo is looked for by the name pattern, then by its form for twins', () => {
  assert.deepEqual(maskNames('sub/cat.v2.jpg', '{stem}.mask.png'), ['cat.v2.mask.png', 'cat.v2.jpg.mask.png']);
  assert.deepEqual(maskNames('cat.jpg', '{name}.mask.png'), ['cat.jpg.mask.png']);
});

test('tables line up and survive names with bars and line breaks', () => {
  const lines = table(['class', 'IoU'], [['a|b\nc', '1.0'], ['d', '100.0']]).split('\n');
  assert.equal(lines.length, 4);
  assert.equal(new Set(lines.map(line => line.length)).size, 1);
});

test('the score report tells each class, and a dash where there is nothing to tell', () => {
  const text = scoresReport({ scores: [{ stage: 'mask', photos: 3, miou: 51.23, fp: 0.1, fn: 0.25, classes: [{ id: 1, name: 'cat', iou: null, fp: 0.2, fn: null }, { id: 2, name: 'dog', iou: 0.512, fp: 0, fn: 0 }] }], unscored: 0, notes: ['one photo has no truth'] }, 'm', 't');
  assert.match(text, /\| mask +\| +3 \| +51\.2 \| 0\.100 \| 0\.250 \|/);
  assert.match(text, /\| cat +\| +1 \| +– \| 0\.200 \| +– \|/);
  assert.match(text, /\| dog +\| +2 \| +51\.2 \|/);
  assert.match(text, /- one photo has no truth/);
});
