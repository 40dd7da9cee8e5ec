/** Which step brought a region: each pixel is put down to the first step that had it, on layers of any size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explainMaskRegion, originText, REGION_STEPS, scoresText, type ExplainedPhoto } from '../../../src/webview/texts/explainMaskRegion';
import type { OpenLayer } from '../../../src/webview/page';

const labelMap = (rows: string[]): { data: Uint8Array; width: number; height: number } => ({
  data: Uint8Array.from(rows.join(''), label => (label === 'x' ? 255 : Number(label))),
  width: rows[0].length,
  height: rows.length,
});
/** Digits are tenths. */
const scoreLayer = (kind: 'cam' | 'refined', classId: number, rows: string[]): OpenLayer => {
  const { data, width, height } = labelMap(rows);
  return { key: `${kind}:${classId}`, kind, classId, scores: { data: data.map(value => Math.round(25.5 * value)), width, height }, made: '' };
};
const labelLayer = (kind: 'seed' | 'before' | 'mask', rows: string[]): OpenLayer => ({ key: kind, kind, labels: labelMap(rows), made: '' });
const THRESHOLDS = new Map<string, Record<string, number>>([
  ['cam:1', { background: 0.4 }],
  ['refined:1', { background: 0.3 }],
]);
const photo = (mask: string[], layers: OpenLayer[]): ExplainedPhoto => ({ labels: labelMap(mask), layers, thresholds: THRESHOLDS });

test('CAM, then SCG and PAMR, then the last steps, then a hand', () => {
  const origin = explainMaskRegion(
    photo(['11111'], [scoreLayer('cam', 1, ['92222']), scoreLayer('refined', 1, ['95522']), labelLayer('before', ['11110']), labelLayer('seed', ['11xx0'])]),
    { x: 4.5, y: 0.2 },
  );
  assert.deepEqual(origin?.steps, { cam: 0.2, refined: 0.4, decided: 0.2, painted: 0.2 });
  assert.equal(origin.here, 'painted');
  assert.deepEqual(origin.seed, { same: 0.4, ignore: 0.4, other: 0.2 });
  assert.deepEqual(origin.missing, []);
  assert.equal(
    originText(origin, new Map([[1, 'boat']])),
    "5 pixels of boat (1): 20 % came with the CAM, 40 % came with SCG and PAMR (spreading along similar features and colours), 20 % came with the last steps (saliency cue, EdgePredict, CRF or decoder), 20 % came with a person's hand.",
  );
});

test('a score that another class beats does not bring the region', () => {
  const origin = explainMaskRegion(photo(['11'], [scoreLayer('cam', 1, ['55']), scoreLayer('cam', 2, ['49'])]), { x: 0, y: 0 });
  assert.deepEqual(origin?.steps, { cam: 0.5, refined: 0, decided: 0.5, painted: 0 });
});

test('only the connected region counts, corners do not connect', () => {
  const mask = ['1101', '0010', '1100'];
  const origin = explainMaskRegion(photo(mask, [scoreLayer('cam', 1, ['9900', '0000', '0000'])]), { x: 1, y: 0 });
  assert.equal(origin?.area, 2);
  assert.equal(origin.steps.cam, 1);
});

test('layers of another size are looked up at pixel centres; scores are means over the region', () => {
  const origin = explainMaskRegion(photo(['1111', '1111'], [scoreLayer('cam', 1, ['91'])]), { x: 3, y: 1 });
  assert.equal(origin?.steps.cam, 0.5);
  assert.ok(origin.cam && Math.abs(origin.cam.mean - 0.5) < 0.01);
  assert.equal(scoresText({ ...origin.cam, threshold: 0.4 }), 'mean 0.50, largest 0.90, here 0.10; background score 0.40');
});

test('without layers nothing is claimed but the last steps, and the missing ones are named', () => {
  const origin = explainMaskRegion(photo(['11'], []), { x: 0, y: 0 });
  assert.deepEqual(origin?.missing, ['cam', 'refined', 'seed', 'before']);
  assert.equal(origin.steps.decided, 1);
});

test('the mask layer that is the open mask itself says nothing about a hand; another one does', () => {
  const open = photo(['11'], []);
  assert.equal(explainMaskRegion({ ...open, layers: [{ key: 'mask', kind: 'mask', labels: open.labels, made: '' }] }, { x: 0, y: 0 })?.steps.painted, 0);
  assert.equal(explainMaskRegion({ ...open, layers: [labelLayer('mask', ['10'])] }, { x: 0, y: 0 })?.steps.painted, 0.5);
});

test('background and places outside have no origin', () => {
  const open = photo(['01'], []);
  for (const [x, y] of [[0, 0], [-1, 0], [2, 0], [0, 1]]) assert.equal(explainMaskRegion(open, { x, y }), undefined);
});

test('shares add to one and the area is that of a plain flood fill, for any mask', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.integer({ min: 0, max: 2 })), fc.nat(), (width, height, labels, at) => {
      const data = Uint8Array.from(labels.take(width * height));
      const start = at % data.length;
      const origin = explainMaskRegion({ labels: { data, width, height }, layers: [], thresholds: new Map() }, { x: start % width, y: Math.floor(start / width) });
      if (data[start] === 0) return assert.equal(origin, undefined);
      const reached = new Set([start]);
      for (const i of reached) {
        const x = i % width;
        for (const next of [x > 0 ? i - 1 : -1, x < width - 1 ? i + 1 : -1, i - width, i + width]) if (next >= 0 && next < data.length && data[next] === data[start]) reached.add(next);
      }
      assert.equal(origin?.area, reached.size);
      assert.ok(Math.abs(REGION_STEPS.reduce((sum, step) => sum + (origin?.steps[step] ?? 0), 0) - 1) < 1e-12);
    }),
  );
});

test('a region of millions of pixels is sampled, and stays right', () => {
  const [width, height] = [2000, 1000];
  const labels = { data: new Uint8Array(width * height).fill(1), width, height };
  const origin = explainMaskRegion({ labels, layers: [scoreLayer('cam', 1, ['90'])], thresholds: THRESHOLDS }, { x: 0, y: 0 });
  assert.equal(origin?.area, width * height);
  assert.ok(Math.abs(origin.steps.cam - 0.5) < 0.01, `${origin.steps.cam}`);
});
