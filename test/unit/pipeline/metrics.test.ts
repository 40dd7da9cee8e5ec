/** Measures against RecurSeed's evaluators, and the identities they must keep. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Confusion, ThresholdSweep } from '../../../src/pipeline/metrics';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

interface Fixture {
  inputs: { pred: { data: number[] }[]; gt: { data: number[] }[]; cams: { data: number[] }; labels: number[][] };
  outputs: {
    segmentation: { mIoU: number; FP: number; FN: number; IoU_per_class: number[]; P: number[]; T: number[]; TP: number[] };
    cam: { best_threshold: number; mIoU: number; FP: number; FN: number; curve_threshold_mIoU: [number, number][] };
  };
}

const picture = (values: ArrayLike<number>, height: number, width: number): LabelMap => ({ data: Uint8Array.from(values), height, width });
const close = (actual: number | null, expected: number, tolerance: number) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test('mIoU, FP, FN and counts of the reference', reference('spec/fixtures/evaluation.json'), () => {
  const { inputs, outputs } = fixture<Fixture>('evaluation.json');
  const expected = outputs.segmentation;
  const confusion = new Confusion(4);
  inputs.pred.forEach((pred, i) => confusion.add(picture(pred.data, 6, 7), picture(inputs.gt[i].data, 6, 7)));
  const scores = confusion.scores();
  close(scores.miou, expected.mIoU, 1e-4);
  close(scores.fp, expected.FP, 1e-6);
  close(scores.fn, expected.FN, 1e-6);
  scores.classes.forEach((score, id) => {
    close(score.iou, expected.IoU_per_class[id] / 100, 1e-6);
    assert.deepEqual([score.predicted, score.truth, score.correct], [expected.P[id], expected.T[id], expected.TP[id]]);
  });
});

test('the threshold sweep of the reference', reference('spec/fixtures/evaluation.json'), () => {
  const { inputs, outputs } = fixture<Fixture>('evaluation.json');
  const sweep = new ThresholdSweep(4);
  inputs.gt.forEach((truth, i) => {
    const cams: Maps = { data: Float32Array.from(inputs.cams.data.slice(i * 126, (i + 1) * 126)), channels: 3, height: 6, width: 7 };
    sweep.add(cams, [1, 2, 3], picture(truth.data, 6, 7), [1, 2, 3].filter(id => inputs.labels[i][id - 1]));
  });
  const points = sweep.points();
  outputs.cam.curve_threshold_mIoU.forEach(([threshold, miou], i) => {
    close(points[i].threshold, threshold, 1e-9);
    close(points[i].scores.miou, miou, 1e-5);
  });
  const best = sweep.best();
  close(best.threshold, outputs.cam.best_threshold, 1e-9);
  close(best.scores.fp, outputs.cam.FP, 1e-6);
  close(best.scores.fn, outputs.cam.FN, 1e-6);
});

test('a small case by hand: 255 in the truth is excluded, 255 predicted is wrong, absent classes are left out', () => {
  const confusion = new Confusion(4);
  confusion.add(picture([0, 1, 1, 255, 1, 2], 2, 3), picture([0, 1, 0, 1, 255, 1], 2, 3));
  const { classes, miou, fp, fn, fpBackground } = confusion.scores();
  assert.deepEqual(classes.map(c => [c.predicted, c.truth, c.correct]), [[1, 2, 1], [2, 3, 1], [1, 0, 0], [0, 0, 0]]);
  assert.deepEqual(classes.map(c => c.iou), [1 / 2, 1 / 4, 0, null]);
  assert.deepEqual(classes.map(c => c.fpBackground), [0, 1 / 4, 0, null]);
  assert.deepEqual(classes.map(c => c.fpOther), [0, 0, 1, null]);
  close(miou, 25, 1e-9);
  close(fp, (1 / 4 + 1) / 2, 1e-9);
  close(fn, 1 / 4, 1e-9);
  close(fpBackground, 1 / 8, 1e-9);
});

const labels = (ids: number[]) => fc.array(fc.constantFrom(...ids), { minLength: 24, maxLength: 24 });
const pair = fc.tuple(labels([0, 1, 2, 3, 255]), labels([0, 1, 2, 255]));

test('IoU + FP + FN = 1 for every class, and FP splits in two', () => {
  fc.assert(
    fc.property(pair, ([predicted, truth]) => {
      const confusion = new Confusion(4);
      confusion.add(picture(predicted, 4, 6), picture(truth, 4, 6));
      for (const { iou, fp, fn, fpBackground, fpOther } of confusion.scores().classes) {
        if (iou === null || fp === null || fn === null || fpBackground === null || fpOther === null) continue;
        close(iou + fp + fn, 1, 1e-12);
        close(fpBackground + fpOther, fp, 1e-12);
      }
    }),
  );
});

test('a mask equal to its truth scores 100, and swapping both swaps FP and FN', () => {
  fc.assert(
    fc.property(labels([0, 1, 2]), labels([0, 1, 2]), (a, b) => {
      const score = (x: number[], y: number[]) => {
        const confusion = new Confusion(3);
        confusion.add(picture(x, 4, 6), picture(y, 4, 6));
        return confusion.scores();
      };
      close(score(a, a).miou, 100, 1e-9);
      close(score(a, b).fp, score(b, a).fn, 1e-12);
      close(score(a, b).miou, score(b, a).miou, 1e-9);
    }),
  );
});

test('merging equals adding all to one', () => {
  fc.assert(
    fc.property(pair, pair, (first, second) => {
      const add = (confusion: Confusion, [p, t]: [number[], number[]]) => confusion.add(picture(p, 4, 6), picture(t, 4, 6));
      const [one, a, b] = [new Confusion(4), new Confusion(4), new Confusion(4)];
      add(one, first);
      add(one, second);
      add(a, first);
      add(b, second);
      a.merge(b);
      assert.deepEqual(a.scores(), one.scores());
    }),
  );
  assert.throws(() => new Confusion(2).merge(new Confusion(3)), /classes/);
});

test('the sweep equals scoring each thresholded mask by itself', () => {
  const scores = fc.array(fc.constantFrom(0, 0.1, 0.25, 0.5, 0.75, 1), { minLength: 48, maxLength: 48 });
  fc.assert(
    fc.property(scores, labels([0, 1, 3, 255]), (values, truth) => {
      const maps: Maps = { data: Float32Array.from(values), channels: 2, height: 4, width: 6 };
      const thresholds = [0.1, 0.5, 0.8];
      const sweep = new ThresholdSweep(4, thresholds);
      sweep.add(maps, [1, 3], picture(truth, 4, 6));
      sweep.points().forEach((point, i) => {
        const mask = truth.map((_, p) => {
          const [a, b] = [maps.data[p], maps.data[24 + p]];
          if (Math.max(a, b) <= thresholds[i]) return 0;
          return a >= b ? 1 : 3;
        });
        const alone = new Confusion(4);
        alone.add(picture(mask, 4, 6), picture(truth, 4, 6));
        assert.deepEqual(point.scores, alone.scores());
      });
    }),
  );
});

test('nothing added scores 0; wrong sizes and unknown ids are refused', () => {
  const empty = new Confusion(3).scores();
  assert.deepEqual([empty.miou, empty.fp, empty.fn], [0, 0, 0]);
  assert.throws(() => new Confusion(3).add(picture([0, 0], 1, 2), picture([0, 0], 2, 1)), /1 x 2/);
  assert.throws(() => new Confusion(3).add(picture([3], 1, 1), picture([0], 1, 1)), /label 3/);
  assert.throws(() => new Confusion(3).add(picture([0], 1, 1), picture([7], 1, 1)), /label 7/);
});
