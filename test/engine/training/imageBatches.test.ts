/** What training on images sees: crops with their labels in the same place, colours, batches by chance that can be repeated, lessons and mixes as inputs of a graph. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { jitterColours } from '../../../src/engine/training/network/colourJitter';
import { cropImage, cropLabels, insideBox, shrinkImage, validBox, type CropView } from '../../../src/engine/training/network/crops';
import { ImageBatches } from '../../../src/engine/training/network/imageBatches';
import { Channels } from '../../../src/engine/training/network/imageStage';
import { coarser, labelFeeds, lessonFeeds } from '../../../src/engine/training/network/lessonFeeds';
import { classMix, edgePredictMix } from '../../../src/engine/training/network/mixing';
import type { Lesson } from '../../../src/engine/training/network/targets';
import { SeedMaskError } from '../../../src/shared/errors';
import { IGNORE, type Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';
import { photoData } from './networkFolder';

/** A photo whose red is its label: 1 + x / 4 + 8 (y / 4). */
function numbered(width: number, height: number) {
  const labels = Uint8Array.from({ length: width * height }, (_, p) => 1 + Math.floor((p % width) / 4) + 8 * Math.floor(Math.floor(p / width) / 4));
  return { image: { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i % 3 === 0 ? labels[Math.floor(i / 3)] : 9)) }, labels: { width, height, data: labels } };
}

const views = fc.record({ width: fc.integer({ min: 3, max: 40 }), height: fc.integer({ min: 3, max: 40 }), flip: fc.boolean(), across: fc.double({ min: 0, max: 1, noNaN: true }), down: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ width, height, flip, across, down }): CropView => {
    const offset = (length: number, share: number): number => Math.min(0, length - 16) + Math.round(share * Math.abs(length - 16));
    return { side: 16, width, height, left: offset(width, across), top: offset(height, down), flip };
  });

test('labels of a crop lie where its pixels lie, mirrored or padded', () => {
  fc.assert(fc.property(views, view => {
    const { image, labels } = numbered(view.width, view.height);
    const crop = cropImage(image, view, [0, 0, 0]);
    const own = cropLabels(labels, view, 16);
    const inside = insideBox(validBox(view), 16, 16);
    own.data.forEach((label, p) => {
      assert.equal(crop.data[3 * p], label === IGNORE ? 0 : label);
      assert.equal(inside[p], Number(label !== IGNORE));
    });
    assert.ok(inside.includes(1));
  }));
});

test('labels of any size reach the crop, on a coarser grid as well', () => {
  const view: CropView = { side: 16, width: 24, height: 16, left: 8, top: 0, flip: true };
  const halves = { width: 2, height: 1, data: Uint8Array.of(3, 7) };
  // Columns 8..24 of the mirrored photo are columns 0..16 of the photo: its left two thirds from right to left.
  assert.deepEqual([...cropLabels(halves, view, 4).data.slice(0, 4)], [7, 3, 3, 3]);
  assert.deepEqual([...insideBox({ left: 3, top: 0, right: 16, bottom: 16 }, 16, 4).slice(0, 4)], [0, 1, 1, 1]);
  assert.deepEqual([...insideBox({ left: 0, top: 0, right: 1, bottom: 1 }, 16, 4)].filter(Boolean).length, 1);
  assert.deepEqual([...shrinkImage({ width: 2, height: 2, data: Uint8Array.of(0, 4, 8, 4, 4, 8, 8, 4, 8, 12, 4, 8) }, 2).data], [6, 4, 8]);
});

test('colours change by what chance says, and grey stays grey under saturation and hue', () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(100, 100, 100, 200, 60, 20) };
  const none = { brightness: 0, contrast: 0, saturation: 0, hue: 0 };
  assert.deepEqual([...jitterColours(image, none, () => 0.9).data], [...image.data]);
  assert.deepEqual([...jitterColours(image, { ...none, brightness: 0.5 }, () => 1).data.slice(0, 3)], [150, 150, 150]);
  assert.deepEqual([...jitterColours(image, { ...none, saturation: 1, hue: 0.5 }, () => 1).data.slice(0, 3)], [100, 100, 100]);
  const drained = jitterColours(image, { ...none, saturation: 1 }, () => 0).data.slice(3);
  assert.ok(drained.every(value => Math.abs(value - 97) <= 1), `${drained}`);
  // A third of a turn carries red to green and green to blue.
  const turned = jitterColours(image, { ...none, hue: 1 / 3 }, () => 1).data.slice(3);
  [20, 200, 60].forEach((value, c) => assert.ok(Math.abs(turned[c] - value) <= 1, `${turned}`));
});

const OPTIONS = { crop: 64, longSide: { least: 50, most: 100 }, flip: true, jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 }, batch: 2, seed: 11, colour: [1, 2, 3] } as const;

test('a batch is decided by seed, epoch and step alone; an epoch sees each photo once', async () => {
  const straight = new ImageBatches(photoData(), OPTIONS);
  const seen: Awaited<ReturnType<ImageBatches['take']>>[] = [];
  for (let step = 0; step < straight.stepsPerEpoch; step++) seen.push(await straight.take(4, step));
  const again = new ImageBatches(photoData(), OPTIONS);
  assert.deepEqual(await again.take(4, 1), seen[1]);
  assert.deepEqual(await again.take(4, 0), seen[0]);
  assert.equal(new Set(seen.flat().map(({ photo }) => photo.photo)).size, 6);
  assert.notDeepEqual((await again.take(5, 0)).map(({ view }) => view), seen[0].map(({ view }) => view));
  assert.notDeepEqual((await new ImageBatches(photoData(), { ...OPTIONS, seed: 12 }).take(4, 0)).map(({ view }) => view), seen[0].map(({ view }) => view));
  for (const { image } of seen.flat()) assert.deepEqual([image.width, image.height, image.data.length], [64, 64, 64 * 64 * 3]);
});

test('a photo that cannot be read is told once, and its neighbour taken; none at all is an error', async () => {
  const said: string[] = [];
  const data = photoData({ log: message => said.push(message) });
  const lost = new Set(['black-canyon']);
  const partly = { ...data, image: (photo: (typeof data.photos)[0]) => (lost.has(photo.photo) ? Promise.reject(new SeedMaskError('bad-image', 'the file is empty', photo.photo)) : data.image(photo)) };
  const batches = new ImageBatches(partly, { ...OPTIONS, batch: 6 });
  for (const epoch of [1, 2]) {
    const crops = await batches.take(epoch, 0);
    assert.ok(crops.length === 6 && crops.every(({ photo }) => photo.photo !== 'black-canyon'));
  }
  assert.deepEqual(said, ['black-canyon is not learnt from: black-canyon: the file is empty']);
  data.photos.forEach(({ photo }) => lost.add(photo));
  await assert.rejects(new ImageBatches(partly, OPTIONS).take(1, 0), (error: unknown) => error instanceof SeedMaskError && error.reason === 'nothing-to-learn');
});

interface Stored {
  data: number[];
}

function lessonOf(labels: number[], grey: number[], channels: number[], scores: number[]): Lesson {
  const map = { data: Uint8Array.from(labels), width: 4, height: 4 };
  const image = { data: Uint8Array.from(grey.flatMap(value => [value, value, value])), width: 4, height: 4 };
  const view: CropView = { side: 4, width: 4, height: 4, left: 0, top: 0, flip: false };
  const photo = { photo: 'x', sha256: '', tags: [], ids: [] };
  return { crop: { photo, image, view }, channels, inside: new Uint8Array(16).fill(1), scores: { data: Float32Array.from(scores), channels: channels.length, height: 4, width: 4 }, labels: map, mixLabels: map };
}

test('EdgePredictMix mixes lessons as the reference does', reference('spec/fixtures/epm_mix.json'), () => {
  const { inputs, outputs } = fixture<{ inputs: Record<string, Stored>; outputs: Record<string, Stored> }>('epm_mix.json');
  const target = lessonOf(inputs['target_label'].data, inputs['target_image'].data, [7], inputs['target_rs'].data.slice(0, 16));
  const source = lessonOf(inputs['source_label'].data, inputs['source_image'].data, [3], inputs['source_rs'].data.slice(16));
  // With two lessons each is the other's partner; the lowest number chooses class 3 of 3 and 5.
  const [mixed] = edgePredictMix([target, source], () => 0, 'both');
  assert.deepEqual([...mixed.labels.data], outputs['mixed_label'].data);
  assert.deepEqual([...mixed.image.data].filter((_, i) => i % 3 === 0), outputs['mixed_image'].data);
  assert.deepEqual(mixed.channels, [7, 3]);
  assert.deepEqual([...mixed.scores.data], outputs['mixed_rs'].data.map(Math.fround));
  const covered = lessonOf(new Array<number>(16).fill(3), inputs['source_image'].data, [3], new Array<number>(16).fill(1));
  assert.deepEqual(edgePredictMix([target, covered], () => 0, 'shown')[0].channels, [3]);
});

test('ClassMix pastes half of what the teacher sees, and weighs it by the share of confident pixels', () => {
  const teacher = (labels: number[], sure: number): Maps => ({ channels: 3, height: 4, width: 4, data: Float32Array.from({ length: 48 }, (_, i) => (labels[i % 16] === Math.floor(i / 16) ? sure : (1 - sure) / 2)) });
  const first = [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1];
  const second = [2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0];
  const lessons = [lessonOf(first, first.map(() => 10), [1], new Array<number>(16).fill(0)), lessonOf(second, second.map(() => 20), [2], new Array<number>(16).fill(0))];
  const mixes = classMix(lessons, [teacher(first, 0.99), teacher(second, 0.6)], () => 0, 0.9);
  // The first keeps its background (8 confident pixels), and takes 2 and 0 of the second where its class was.
  assert.deepEqual([...mixes[0].labels.data], first.map((label, p) => (label === 0 ? 0 : second[p])));
  assert.deepEqual([...mixes[0].image.data].filter((_, i) => i % 3 === 0), first.map(label => (label === 0 ? 10 : 20)));
  // The second keeps its background (8 pixels that are not confident), and takes the first's upper half.
  assert.ok(Math.abs(mixes[0].weight - (8 / 16 + 8 / 16) / 2) < 1e-9 && mixes[1].weight === mixes[0].weight);
  assert.deepEqual(mixes.map(({ channels }) => channels), [[2], [1]]);
});

test('lessons become inputs: tags, cells, scores by channel, and labels whose weights sum up to what they count', () => {
  const lesson = lessonOf([0, 1, 2, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0], new Array<number>(16).fill(5), [3, 1], [...new Array<number>(16).fill(0.5), ...new Array<number>(16).fill(0.25)]);
  const taught = { ...lesson, image: lesson.crop.image, weight: 0.5, inside: Uint8Array.from({ length: 16 }, (_, p) => Number(p % 4 < 2)) };
  const feeds = lessonFeeds([taught, { ...taught, weight: 1, labels: { ...taught.labels, data: new Uint8Array(16).fill(255) } }], { classes: 3, height: 2, width: 2 }, 'mixed.');
  assert.deepEqual([...feeds['mixed.tags'].data].slice(0, 3), [1, 0, 1]);
  assert.deepEqual([...feeds['mixed.inside'].data].slice(0, 4), [1, 0, 1, 0]);
  assert.deepEqual([...feeds['mixed.targets'].data].slice(0, 12), [0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5]);
  const weights = [...feeds['mixed.labelWeights'].data].map(Number);
  assert.ok(Math.abs(weights.slice(0, 16).reduce((a, b) => a + b, 0) - 0.5) < 1e-6);
  assert.ok(weights[3] === 0 && weights.slice(16).every(weight => weight === 0));
  const weighed = labelFeeds([{ labels: lesson.labels, weight: 1 }], [Float32Array.from({ length: 16 }, (_, p) => Number(p === 0))]).labelWeights.data;
  assert.ok(Math.abs(Number(weighed[0]) - 1 / 11) < 1e-6 && [...weighed].slice(1).every(weight => weight === 0));
  assert.deepEqual([...coarser(Uint8Array.of(1, 0, 0, 0), { height: 2, width: 2 }, 1, 1)], [1]);
});

test('class ids are channels in the order of the classes', () => {
  const channels = new Channels([{ id: 4, name: 'a' }, { id: 250, name: 'b' }]);
  assert.deepEqual(channels.of({ ids: [250, 4] }), [2, 1]);
  assert.deepEqual([...channels.labels({ data: Uint8Array.of(0, 4, 250, 255, 9), width: 5, height: 1 }).data], [0, 1, 2, 255, 255]);
});
