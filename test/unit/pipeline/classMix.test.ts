/** ClassMix and EdgePredictMix against their references, and what the choices promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseClasses, chooseForeground, classesOf, classMask, mixImages, mixLabels, mixMaps, partners } from '../../../src/pipeline/classMix';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

interface Picture {
  shape: number[];
  data: number[];
}

const labelMap = (values: number[], height: number, width: number): LabelMap => ({ data: Uint8Array.from(values), height, width });
const maps = (values: number[], channels: number, height: number, width: number): Maps => ({
  data: Float32Array.from(values),
  channels,
  height,
  width,
});

test('ClassMix of the reference batch, each photo over its next', reference('spec/fixtures/classmix.json'), () => {
  const { inputs, outputs } = fixture<{
    inputs: { pred: Picture; image: Picture; target: Picture; chosen_classes: number[][] };
    outputs: { mask: Picture; mixed_image: Picture; mixed_target: Picture };
  }>('classmix.json');
  const part = (picture: Picture, b: number) => picture.data.slice((b * picture.data.length) / 3, ((b + 1) * picture.data.length) / 3);
  for (let b = 0; b < 3; b++) {
    const next = (b + 1) % 3;
    const mask = classMask(labelMap(part(inputs.pred, b), 4, 5), inputs.chosen_classes[b]);
    assert.deepEqual([...mask], part(outputs.mask, b));
    const image = mixMaps(mask, maps(part(inputs.image, b), 2, 4, 5), maps(part(inputs.image, next), 2, 4, 5));
    assert.deepEqual([...image.data], part(outputs.mixed_image, b));
    const target = mixMaps(mask, maps(part(inputs.target, b), 1, 4, 5), maps(part(inputs.target, next), 1, 4, 5));
    assert.deepEqual([...target.data], part(outputs.mixed_target, b));
  }
});

test('EdgePredictMix of the reference pair', reference('spec/fixtures/epm_mix.json'), () => {
  const { inputs, outputs } = fixture<{
    inputs: Record<'target_label' | 'source_label' | 'target_image' | 'source_image' | 'target_rs' | 'source_rs', Picture> & {
      chosen_source_classes: number[];
    };
    outputs: Record<'mask' | 'mixed_label' | 'mixed_image' | 'mixed_rs', Picture>;
  }>('epm_mix.json');
  const source = labelMap(inputs.source_label.data, 4, 4);
  const mask = classMask(source, inputs.chosen_source_classes);
  assert.deepEqual([...mask], outputs.mask.data);
  assert.deepEqual([...mixLabels(mask, source, labelMap(inputs.target_label.data, 4, 4)).data], outputs.mixed_label.data);
  const mixed = (from: Picture, to: Picture, channels: number) => [...mixMaps(mask, maps(from.data, channels, 4, 4), maps(to.data, channels, 4, 4)).data];
  assert.deepEqual(mixed(inputs.source_image, inputs.target_image, 1), outputs.mixed_image.data);
  assert.deepEqual(mixed(inputs.source_rs, inputs.target_rs, 2), outputs.mixed_rs.data);
});

test('photos are mixed pixel by pixel', () => {
  const image = (first: number) => ({ data: Uint8Array.from({ length: 6 }, (_, i) => first + i), height: 1, width: 2 });
  assert.deepEqual([...mixImages(Uint8Array.of(0, 1), image(100), image(0)).data], [0, 1, 2, 103, 104, 105]);
});

test('choices are classes of the photo, of the promised number', () => {
  const values = fc.array(fc.constantFrom<number>(0, 1, 2, 9, 200, 255), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(values, fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 8, maxLength: 8 }), (labels, draws) => {
      const map = labelMap(labels, 2, 4);
      const present = classesOf(map);
      assert.deepEqual(present, [...new Set(labels)].filter(id => id !== 255).sort((a, b) => a - b));
      let draw = 0;
      const random = () => draws[draw++ % draws.length];
      const chosen = chooseClasses(map, random);
      const foreground = present.filter(id => id !== 0);
      const pasted = chooseForeground(map, random);
      assert.equal(chosen.length, Math.floor(present.length / 2));
      assert.equal(new Set(chosen).size, chosen.length);
      assert.ok(chosen.every(id => present.includes(id)));
      assert.equal(pasted.length, foreground.length === 0 ? 0 : Math.max(1, Math.floor(foreground.length / 2)));
      assert.ok(pasted.every(id => foreground.includes(id)));
    }),
  );
});

test('every photo gets a partner that is not itself, and each serves once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.integer(), (count, seed) => {
      let state = seed >>> 0;
      const random = () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
      const order = partners(count, random);
      order.forEach((partner, index) => assert.notEqual(partner, index));
      assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
    }),
  );
  assert.throws(() => partners(1, Math.random), /two photos/);
});

test('pictures of different sizes are refused', () => {
  assert.throws(() => mixLabels(new Uint8Array(6), labelMap([0, 0, 0, 0, 0, 0], 2, 3), labelMap([0, 0, 0, 0, 0, 0], 3, 2)), /size/);
  assert.throws(() => mixMaps(new Uint8Array(4), maps([0, 0, 0, 0], 1, 2, 2), maps(new Array<number>(8).fill(0), 2, 2, 2)), /maps/);
});
