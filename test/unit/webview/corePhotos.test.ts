import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signal } from '@preact/signals';
import fc from 'fast-check';
import { applyPatch } from '../../../src/shared/labelPatch';
import { encodeRuns } from '../../../src/shared/labelRuns';
import type { AskParams } from '../../../src/shared/pageMessages';
import type { PhotoView } from '../../../src/shared/review';
import type { LoadedPhoto } from '../../../src/webview/decodePhoto';
import { DIFFERENCE, differenceLayer, updateDifference, writeDifference } from '../../../src/webview/difference';
import { MaskEditing } from '../../../src/webview/editing';
import { WeighedCache } from '../../../src/webview/photoCache';
import { PhotoStore } from '../../../src/webview/photoStore';
import { readoutAt } from '../../../src/webview/readout';

class Picture {
  closed = false;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {}
  close(): void {
    this.closed = true;
  }
}

function loaded(index: number, labels = new Uint8Array(16), bytes = 10): LoadedPhoto {
  const [width, height] = [4, labels.length / 4];
  const view: PhotoView = { photo: `${index}.jpg`, width, height, source: '0'.repeat(64), mask: { hash: '0'.repeat(64), width, height, runs: encodeRuns(labels) }, layers: [], evidence: [], hints: { boxes: [], points: [], scribbles: [] } };
  const map = { data: labels, width, height };
  const image = new Picture(width, height);
  return { index, view, image, levels: [image], labels: map, layers: [{ key: 'mask', kind: 'mask', labels: map, made: '' }, differenceLayer(map, [], view.mask?.runs)], bytes };
}

test('a cache never weighs more than its limit, save for one thing alone, and drops the one used longest ago', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key: fc.nat({ max: 8 }), bytes: fc.nat({ max: 60 }), get: fc.boolean() }), { maxLength: 60 }), steps => {
      const dropped: string[] = [];
      const cache = new WeighedCache<string>(100, value => void dropped.push(value));
      const uses: number[] = [];
      let made = 0;
      for (const { key, bytes, get } of steps) {
        if (get) cache.get(key);
        else cache.set(key, `${key}/${made++}`, bytes);
        if (!get || cache.peek(key) !== undefined) uses.splice(0, uses.length, ...uses.filter(used => used !== key), key);
        const there = uses.filter(used => cache.peek(used) !== undefined);
        assert.ok(cache.bytes <= 100 || there.length === 1);
        // What is there was used later than all that is not.
        assert.deepEqual(there, uses.slice(uses.length - there.length));
      }
      assert.equal(new Set(dropped).size, dropped.length, 'nothing is dropped twice');
    }),
  );
});

test('a photo that changed while it was coming is asked for again, and its waiters get the new one', async () => {
  const answers: ((photo: LoadedPhoto) => void)[] = [];
  const store = new PhotoStore(() => new Promise(resolve => void answers.push(resolve)), 1000);
  const waiting = store.load(5);
  assert.equal(store.load(5), waiting, 'asked for once');
  store.forget(5);
  const [old, fresh] = [loaded(5), loaded(5)];
  answers[0](old);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(answers.length, 2);
  answers[1](fresh);
  assert.equal(await waiting, fresh);
  assert.equal(store.peek(5), fresh);
  assert.equal(old.levels[0] instanceof Picture && old.levels[0].closed, true, 'pictures of the late one are freed');
});

test('a failed load is tried again the next time', async () => {
  let tries = 0;
  const store = new PhotoStore(async index => {
    if (tries++ === 0) throw new Error('not now');
    return loaded(index);
  }, 1000);
  await assert.rejects(store.load(1), /not now/);
  assert.equal((await store.load(1)).index, 1);
});

test('the difference kept up by rectangles equals the whole difference', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 48, maxLength: 48, max: 3 }), fc.array(fc.record({ x: fc.nat({ max: 3 }), y: fc.nat({ max: 11 }), id: fc.nat({ max: 3 }) }), { maxLength: 20 }), (labels, strokes) => {
      const photo = loaded(0, labels.slice());
      const difference = photo.layers[1];
      assert.ok(difference.labels?.data.every(code => code === DIFFERENCE.same));
      for (const { x, y, id } of strokes) {
        if (photo.labels) photo.labels.data[y * 4 + x] = id;
        updateDifference(photo.layers, { x, y, width: 1, height: 1 });
      }
      const whole = { data: new Uint8Array(48), width: 4, height: 12 };
      if (photo.labels) writeDifference(whole, photo.labels, { data: labels, width: 4, height: 12 }, { x: 0, y: 0, width: 4, height: 12 });
      assert.deepEqual(difference.labels?.data, whole.data);
    }),
  );
});

test('edits that are sent can be taken back and repeated, with the drawing told of each', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(fc.record({ x: fc.nat({ max: 3 }), y: fc.nat({ max: 7 }), id: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 12 }), (labels, strokes) => {
      const photo = loaded(3, labels.slice());
      const sent: AskParams<'edit'>[] = [];
      const revision = signal(0);
      let touched = 0;
      const editing = new MaskEditing({ photo: () => photo, revision, send: edit => void sent.push(edit) });
      const stop = editing.onTouched(() => touched++);
      for (const { x, y, id } of strokes) {
        const map = photo.labels;
        if (!map) continue;
        const before = Uint8Array.of(map.data[y * 4 + x]);
        map.data[y * 4 + x] = id;
        editing.commit('Paint', { x, y, width: 1, height: 1 }, before);
      }
      const after = photo.labels?.data.slice();
      // The extension makes the same of them.
      const elsewhere = { data: labels.slice(), width: 4, height: 8 };
      for (const { patch } of sent) applyPatch(elsewhere, patch, 'redo');
      assert.deepEqual(elsewhere.data, after);
      for (const { patch } of sent.toReversed()) editing.apply(patch, 'undo');
      assert.deepEqual(photo.labels?.data, labels);
      for (const { patch } of sent) editing.apply(patch, 'redo');
      assert.deepEqual(photo.labels?.data, after);
      assert.equal(touched, strokes.length * 3);
      assert.equal(revision.value, strokes.length * 3);
      stop();
    }),
  );
});

test('the difference is against the mask on disk where that is another one, else against the mask before debiasing, else against what was opened', () => {
  const row = (...labels: number[]) => ({ data: Uint8Array.from(labels), width: labels.length, height: 1 });
  const mask = row(1, 1, 0, 2);
  const disk = { key: 'disk', kind: 'disk', labels: row(1, 0, 0, 2), made: '' } as const;
  const before = { key: 'before', kind: 'before', labels: row(1, 1, 3, 2), made: '' } as const;
  const runs = encodeRuns(Uint8Array.of(1, 1, 0, 1));
  const { same, added, removed, changed } = DIFFERENCE;
  for (const [layers, text, codes] of [
    [[before, disk], /on disk/, [same, added, same, same]],
    [[before], /before debiasing/, [same, same, removed, same]],
    [[], /opened/, [same, same, same, changed]],
  ] as const) {
    const layer = differenceLayer(mask, layers, runs);
    assert.match(layer.made, text);
    assert.deepEqual([...(layer.labels?.data ?? [])], codes);
  }
});

test('a patch that does not fit changes nothing', () => {
  const photo = loaded(0);
  const editing = new MaskEditing({ photo: () => photo, revision: signal(0), send: () => undefined });
  const before = photo.labels?.data.slice();
  assert.throws(() => editing.apply({ x: 3, y: 3, width: 2, height: 2, before: encodeRuns(new Uint8Array(4)), after: encodeRuns(Uint8Array.of(1, 1, 1, 1)) }, 'redo'), { reason: 'bad-message' });
  assert.deepEqual(photo.labels?.data, before);
});

test('the readout has the class, ids that the table does not know too, and reads each layer at its own size', () => {
  const photo = loaded(0, Uint8Array.from([0, 1, 255, 9, ...new Array<number>(12).fill(0)]));
  const cam = { key: 'cam:1', kind: 'cam', classId: 1, scores: { data: Uint8Array.of(0, 51, 102, 255), width: 2, height: 2 }, made: '' } as const;
  const seed = { key: 'seed', kind: 'seed', labels: { data: Uint8Array.of(7), width: 1, height: 1 }, made: '' } as const;
  const all = { ...photo, layers: [...photo.layers, cam, seed] };
  assert.deepEqual([0, 1, 2, 3].map(x => readoutAt(all, x + 0.9, 0.1)?.label), [0, 1, 255, 9]);
  assert.deepEqual(readoutAt(all, 3.5, 1)?.layers, [{ key: 'cam:1', kind: 'cam', classId: 1, score: 0.2 }, { key: 'seed', kind: 'seed', label: 7 }]);
  for (const [x, y] of [[-0.1, 0], [4, 0], [0, 4]]) assert.equal(readoutAt(all, x, y), undefined);
});
