/** What a training learnt, taken home: the file says of a photo what the scorer says of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { backboneInput, decodeOutput } from '../../../models/adapter';
import { decoderKind } from '../../../src/engine/training/decoder/decoderStage';
import { exportTrained } from '../../../src/engine/training/exportTrained';
import { NetworkStage, networkKind } from '../../../src/engine/training/network/networkStage';
import type { PhotoFeatures, Role } from '../../../src/engine/photoFeatures';
import type { LearntStage } from '../../../src/engine/training/stages';
import type { PhotoScorer, TrainingStage } from '../../../src/engine/training/trainingStage';
import { flipHorizontally } from '../../../src/pipeline/cam';
import { resizeBilinear } from '../../../src/pipeline/resize';
import { SeedMaskError } from '../../../src/shared/errors';
import { floats } from '../../../src/shared/graph';
import type { Maps, RgbImage } from '../../../src/shared/maps';
import { runOnce } from '../../cpuHost';
import { presetWith, SECTION } from './decoderFolder';
import { NETWORK, photoData, presetOf, smallSpec } from './networkFolder';

const DECODER = { ...SECTION, seeds: { ...SECTION.seeds, labels: 'mask' as const }, inputs: { ...SECTION.inputs, root: true, colour: 0, place: 0 }, members: 3, holdAreas: true };

function drawn(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 128 + 90 * Math.sin(i * 0.011) + 30 * Math.cos((i % (3 * width)) * 0.2)) };
}

async function oneEpoch(stage: TrainingStage): Promise<void> {
  await stage.beginEpoch(1);
  for (let step = 0; step < Math.min(6, stage.stepsPerEpoch); step++) await stage.step(1, step);
}

/** Largest difference of the file's probabilities from the scorer's, whose logarithms are enlarged as the file's scores are. */
async function difference(model: Uint8Array, photo: RgbImage, scorer: PhotoScorer, features: PhotoFeatures, ids: readonly number[]): Promise<number> {
  const { data } = floats(await runOnce(model, { photo: { dims: [1, photo.height, photo.width, 3], data: photo.data } }), 'probabilities');
  const scores = await scorer.scores({ image: photo, features, ids });
  const large = resizeBilinear({ ...scores, data: scores.data.map(value => Math.log(Math.max(value, 1e-12))) }, photo.height, photo.width);
  const size = photo.width * photo.height;
  let worst = 0;
  for (let p = 0; p < size; p++) {
    const values = Array.from({ length: large.channels }, (_, c) => Math.exp(large.data[c * size + p]));
    const total = values.reduce((sum, value) => sum + value, 0);
    values.forEach((value, c) => (worst = Math.max(worst, Math.abs(value / total - data[c * size + p]))));
  }
  return worst;
}

test('a light decoder leaves with its backbone, its directions and all its members', async () => {
  const made = photoData();
  const features = async (image: RgbImage): Promise<PhotoFeatures> => {
    const looks = await Promise.all([false, true].map(flip => runOnce(made.model.bytes, backboneInput(smallSpec, [image], flip))));
    const layers = new Map<Role, Maps[]>(smallSpec.outputs.map(output => {
      const [plain, turned] = looks.map(results => decodeOutput(smallSpec, output, results, image)[0]);
      const back = flipHorizontally(turned);
      return [output.role, [{ ...plain, data: plain.data.map((value, i) => (value + back.data[i]) / 2) }]];
    }));
    return { layers };
  };
  const data = { ...made, features: () => features(drawn(64, 48)), image: () => Promise.resolve(drawn(64, 48)) };
  const preset = { ...presetWith(DECODER), views: [{ longSide: 128, flip: true }] };
  const stage = await decoderKind.open(data, preset, DECODER, []);
  await oneEpoch(stage);
  const learnt: LearntStage[] = [{ name: stage.name, state: stage.state }];
  const exported = await exportTrained(preset, data, learnt, 'a test');
  assert.ok(exported);
  assert.equal(exported.size, undefined, 'it takes photos of any size');
  const scorer = await stage.scorer();
  for (const photo of [drawn(96, 128), drawn(112, 64)]) {
    const worst = await difference(exported.model, photo, scorer, await features(photo), data.classes.map(({ id }) => id));
    assert.ok(worst < 2e-3, `probabilities differ by ${worst}`);
  }
  await scorer.release();
  await stage.release();
  const coloured = { ...DECODER, inputs: { ...DECODER.inputs, colour: 1 } };
  await assert.rejects(exportTrained({ ...presetWith(coloured) }, data, learnt, ''), (error: unknown) => error instanceof SeedMaskError && error.reason === 'unavailable');
});

test('a network that learnt on images leaves as it is, at any size', async () => {
  const data = photoData();
  const section = { ...NETWORK, prediction: { longSide: 128, scales: [1], flip: false } };
  const preset = presetOf({ network: section });
  const stage = await NetworkStage.open(data, preset, section, []);
  await oneEpoch(stage);
  const learnt: LearntStage[] = [{ name: stage.name, state: stage.state }];
  const exported = await exportTrained(preset, data, learnt, 'a test');
  assert.ok(exported);
  assert.equal(exported.size, undefined, 'it takes photos of any size');
  const scorer = await networkKind.scorer?.(data, preset, section, learnt);
  assert.ok(scorer);
  for (const photo of [drawn(128, 128), drawn(128, 64)]) {
    const worst = await difference(exported.model, photo, scorer, { layers: new Map() }, data.classes.map(({ id }) => id));
    assert.ok(worst < 1e-4, `probabilities differ by ${worst}`);
  }
  await scorer.release();
  await stage.release();
});
