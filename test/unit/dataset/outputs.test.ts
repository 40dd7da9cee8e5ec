import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldName, planOutputs } from '../../../src/dataset/outputs';

const PATTERN = '{stem}.mask.png';
const planned = (photos: string[], pattern = PATTERN): [string, string][] => [...planOutputs(photos, pattern).outputs];

test('one mask beside each photo', () => {
  assert.deepEqual(planned(['a.jpg', 'sub/b.c.png', 'sub/noext']), [['a.jpg', 'a.mask.png'], ['sub/b.c.png', 'sub/b.c.mask.png'], ['sub/noext', 'sub/noext.mask.png']]);
  assert.deepEqual(planned(['x/日本語.jpg'], '{name}_seg.png'), [['x/日本語.jpg', 'x/日本語.jpg_seg.png']]);
});

test('photos that share a stem get the whole name; the rest keeps the short one', () => {
  assert.deepEqual(planned(['a.jpg', 'a.png', 'b.jpg', 'sub/a.jpg']), [
    ['a.jpg', 'a.jpg.mask.png'], ['a.png', 'a.png.mask.png'], ['b.jpg', 'b.mask.png'], ['sub/a.jpg', 'sub/a.mask.png']]);
  assert.deepEqual(planned(['A.jpg', 'a.png']).map(([, mask]) => mask), ['A.jpg.mask.png', 'a.png.mask.png']);
});

test('a long name that meets a third photo moves that one too', () => {
  assert.deepEqual(planned(['a.jpg', 'a.png', 'a.jpg.tif']).map(([, mask]) => mask), ['a.jpg.mask.png', 'a.png.mask.png', 'a.jpg.tif.mask.png']);
});

test('twins that differ only by case or by Unicode form are refused, naming each other', () => {
  for (const twins of [['A.JPG', 'a.jpg'], ['caf\u00e9.jpg', 'cafe\u0301.jpg']]) {
    const plan = planOutputs([...twins, 'other.jpg'], PATTERN);
    assert.deepEqual([...plan.outputs.keys()], ['other.jpg']);
    assert.deepEqual(plan.refused.map(failure => [failure.photo, failure.reason]), twins.map(twin => [twin, 'refused-path']));
    assert.match(plan.refused[0].message, new RegExp(twins[1]));
    assert.match(plan.refused[1].message, new RegExp(twins[0]));
  }
});

test('an output that is a source is refused, whatever its case', () => {
  assert.deepEqual(planOutputs(['a.png'], '{stem}.png').refused.map(f => f.photo), ['a.png']);
  assert.deepEqual(planOutputs(['a.png'], '{stem}.PNG').refused.map(f => f.photo), ['a.png']);
  const plan = planOutputs(['dog.jpg', 'DOG.MASK.PNG'], PATTERN);
  assert.match(plan.refused.find(f => f.photo === 'dog.jpg')?.message ?? '', /overwrite the photo DOG\.MASK\.PNG/);
});

test('patterns that name no mask of their own are refused', () => {
  for (const pattern of ['mask.png', '{stem}.jpg', '../{stem}.png', 'masks/{stem}.png', '{stem}\\x.png', '']) {
    assert.throws(() => planOutputs(['a.jpg'], pattern), { reason: 'bad-settings' }, pattern);
  }
});

test('whatever the names, no two masks meet and none meets a photo', () => {
  const name = fc.tuple(fc.constantFrom('', 's/'), fc.constantFrom('a', 'A', 'a.jpg', 'a.mask', 'é', 'e\u0301'), fc.constantFrom('.jpg', '.png', '.PNG', '.tif'))
    .map(parts => parts.join(''));
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 12 }), fc.constantFrom(PATTERN, '{stem}.png', '{name}.png', '{name}.mask.png'), (photos, pattern) => {
    const { outputs, refused } = planOutputs(photos, pattern);
    const taken = [...photos, ...outputs.values()].map(foldName);
    const sources = new Set(photos.map(foldName));
    assert.equal(new Set(taken).size, sources.size + outputs.size);
    assert.equal(outputs.size + refused.length, photos.length);
  }));
});
