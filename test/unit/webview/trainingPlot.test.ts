/** The arithmetic of the curves, and what the page makes of messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { TrainingMetrics } from '../../../src/shared/training';
import type { FromTrainingPage } from '../../../src/shared/trainingPage';
import { vocPalette } from '../../../src/shared/palette';
import { epochRows, epochStarts, lossNames } from '../../../src/webview/training/epochs';
import { labelsOf, sharesOf } from '../../../src/webview/training/maskPicture';
import { axisOf, nearest, placeOn, smoothed, thinned, type Point } from '../../../src/webview/training/plotMaths';
import { TrainingPage } from '../../../src/webview/training/trainingPage';
import { madePoint, RUNNING } from '../../page/madeTraining';

const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const curve: fc.Arbitrary<Point[]> = fc.array(value, { minLength: 1, maxLength: 400 }).map(values => values.map((y, x) => ({ x, y })));

test('an axis holds all values, its ticks rise and are few', () => {
  fc.assert(fc.property(fc.array(value, { maxLength: 30 }), fc.boolean(), (values, isLog) => {
    const axis = axisOf(values, isLog);
    assert.ok(axis.low < axis.high);
    assert.ok(axis.ticks.length >= 1 && axis.ticks.length <= 14, `${axis.ticks}`);
    axis.ticks.forEach((tick, i) => assert.ok(tick >= axis.low && tick <= axis.high && (i === 0 || tick > axis.ticks[i - 1]), `${axis.ticks}`));
    const slack = (axis.high - axis.low) * 1e-8;
    for (const one of values) assert.ok(one >= axis.low - slack && one <= axis.high + slack, `${one} in ${axis.low}..${axis.high}`);
  }));
});

test('ticks are round, and a loss near 0 begins there', () => {
  assert.deepEqual(axisOf([0.13, 1.93], false), { low: 0, high: 2, isLog: false, ticks: [0, 0.5, 1, 1.5, 2] });
  assert.deepEqual(axisOf([0.7, 0.71], false).ticks, [0.7, 0.702, 0.704, 0.706, 0.708, 0.71]);
  assert.deepEqual(axisOf([0.01, 0.9], true).ticks, [0.01, 0.03, 0.1, 0.3]);
  assert.equal(axisOf([-1, 1], true).isLog, false, 'no logarithm of what is not above 0');
});

test('places grow with values, on both kinds of axes', () => {
  for (const isLog of [false, true]) {
    const axis = axisOf([0.01, 1], isLog);
    const places = [0.01, 0.02, 0.1, 0.5, 1].map(one => placeOn(axis, one));
    assert.deepEqual(places, [...places].sort((a, b) => a - b));
    assert.ok(places[0] >= 0 && places[4] <= 1);
    assert.deepEqual([placeOn(axis, -5), placeOn(axis, 50)], [0, 1]);
  }
});

test('a thinned curve is short, in order, made of its points, and keeps the ends and the extremes', () => {
  fc.assert(fc.property(curve, fc.integer({ min: 1, max: 50 }), (points, columns) => {
    const thin = thinned(points, columns);
    assert.ok(thin.length <= 2 * columns + 2);
    const ys = points.map(({ y }) => y);
    assert.ok(thin.every(({ x, y }) => ys[x] === y));
    thin.forEach(({ x }, i) => assert.ok(i === 0 || x >= thin[i - 1].x));
    assert.deepEqual([thin[0], thin.at(-1)], [points[0], points.at(-1)]);
    assert.equal(Math.max(...thin.map(({ y }) => y)), Math.max(...ys));
    assert.equal(Math.min(...thin.map(({ y }) => y)), Math.min(...ys));
  }));
});

test('the running mean leaves straight lines as they are and stays within the values', () => {
  const line = Array.from({ length: 50 }, (_, x) => ({ x, y: 3 * x + 1 }));
  smoothed(line, 6).forEach(({ y }, i) => assert.ok(Math.abs(y - line[i].y) < 1e-9));
  fc.assert(fc.property(curve, fc.integer({ min: 1, max: 40 }), (points, reach) => {
    const ys = points.map(({ y }) => y);
    for (const { y } of smoothed(points, reach)) assert.ok(y >= Math.min(...ys) - 1e-3 && y <= Math.max(...ys) + 1e-3);
  }));
});

test('the nearest point is nearest', () => {
  assert.equal(nearest([], 3), -1);
  fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), fc.integer({ min: -10, max: 1010 }), (xs, x) => {
    const points = xs.sort((a, b) => a - b).map(one => ({ x: one, y: 0 }));
    const found = points[nearest(points, x)];
    assert.equal(Math.abs(found.x - x), Math.min(...points.map(point => Math.abs(point.x - x))));
  }));
});

test('epochs: where they begin, and their means weighted by steps', () => {
  const at = (epoch: number, step: number, total: number, more: Partial<TrainingMetrics> = {}): TrainingMetrics => ({ ...madePoint(epoch, 2, step, 40, 0), losses: { total }, ...more });
  const points = [at(1, 10, 4), at(1, 20, 2, { losses: { total: 2, a: 1, b: 1 } }), at(2, 30, 1), at(2, 40, 0, { tagging: { cat: 0.5, dog: 1 } })];
  assert.deepEqual(epochStarts(points), [{ step: 0, epoch: 1 }, { step: 20, epoch: 2 }]);
  assert.deepEqual(lossNames(points), ['total', 'a', 'b']);
  assert.deepEqual(lossNames([at(1, 10, 4, { losses: { total: 4, a: 4 } })]), ['total'], 'the only part is the whole');
  const rows = epochRows(points, ['total', 'a']);
  assert.deepEqual(rows.map(({ epoch, steps, losses, tagging }) => [epoch, steps, losses, tagging]), [[1, 20, [3, 1], null], [2, 40, [0.5, null], 0.75]]);
});

test('colours of the palette are the labels they stand for; others are refused', () => {
  const colours = vocPalette();
  const pixels = new Uint8ClampedArray(256 * 4).map((_, i) => (i % 4 === 3 ? 255 : colours[Math.floor(i / 4) * 3 + (i % 4)]));
  const mask = labelsOf(pixels, 16, 16);
  assert.deepEqual([...mask.data], Array.from({ length: 256 }, (_, i) => i));
  assert.throws(() => labelsOf(new Uint8ClampedArray([1, 2, 3, 255]), 1, 1), /no class/);
  assert.deepEqual(sharesOf({ data: new Uint8Array([0, 1, 1, 255]), width: 4, height: 1 }), [{ label: 1, share: 0.5 }, { label: 255, share: 0.25 }]);
});

test('the page takes the view, then what is new, and says what it cannot read', () => {
  const posted: FromTrainingPage[] = [];
  let tell: (message: unknown) => void = () => undefined;
  const page = new TrainingPage({
    post: message => posted.push(message),
    listen: receive => {
      tell = receive;
      return () => (tell = () => undefined);
    },
  });
  page.start();
  page.command('cancel');
  assert.deepEqual(posted, [{ type: 'ready' }, { type: 'command', name: 'cancel' }]);
  const line = { type: 'metrics', ...madePoint(1, 2, 10, 40, 0.5) };
  tell({ type: 'view', status: RUNNING, progress: null, lines: [line] });
  tell({ type: 'lines', lines: [{ ...line, step: 20 }] });
  tell({ type: 'progress', progress: { text: 'half', share: 0.5 } });
  tell({ type: 'status', status: { ...RUNNING, state: 'done' } });
  assert.deepEqual(page.stages.value[0].points.map(({ step }) => step), [10, 20]);
  assert.equal(page.progress.value?.share, 0.5);
  assert.equal(page.status.value?.state, 'done');
  assert.equal(page.fault.value, null);
  tell({ type: 'lines', lines: [{ ...line, losses: { total: 'low' } }] });
  assert.match(page.fault.value ?? '', /could not be read/);
  assert.equal(page.stages.value[0].points.length, 2);
  tell({ type: 'view', status: RUNNING, progress: null, lines: [] });
  assert.deepEqual(page.stages.value, []);
  page.dispose();
});
