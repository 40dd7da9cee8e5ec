/** Head-only Puzzle-CAM: it begins as the linear heads, photos of any grid make a batch, it learns, goes on bit for bit, and its maps make masks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapParameters, puzzleHeadsLoss, puzzleMapsGraph, startOfHead, unitsOf } from '../../../models/puzzleHeads';
import { trainingGraph } from '../../../models/optimisers';
import { uniform } from '../../../models/random';
import type { PuzzlePreset } from '../../../models/trainingPreset';
import { PuzzleCam, headsOf, puzzleScorer } from '../../../src/engine/training/puzzle/puzzleCam';
import { PuzzleHeadStage } from '../../../src/engine/training/puzzle/puzzleHeadStage';
import type { TrainingData } from '../../../src/engine/training/trainingStage';
import { rawCams } from '../../../src/pipeline/cam';
import { SeedMaskError } from '../../../src/shared/errors';
import { floats, type Tensor } from '../../../src/shared/graph';
import type { Maps } from '../../../src/shared/maps';
import { runOnce } from '../../cpuHost';
import { makeFolder, presetWith, SECTION as DECODER } from './decoderFolder';

const SECTION: PuzzlePreset = { what: 'heads', epochs: 20, batch: 4, rate: 0.05, weightDecay: 1e-4, alpha: 0.5, ramp: 0.5, heads: { layers: ['deep', 'middle', 'fine'], units: 6, tiles: 2 } };
const PRESET = presetWith(DECODER);
const near = (a: number, b: number, most: number): void => assert.ok(Math.abs(a - b) <= most, `${a} ${b}`);
const noise = (length: number, seed: number): Float32Array => Float32Array.from({ length }, uniform(seed));

/** The made-up folder with linear heads that know nothing. */
function folder(): TrainingData {
  const { data } = makeFolder();
  const outputs = (['deep', 'middle'] as const).map(role => ({ name: role, role, kind: 'map' as const, channels: 8, stride: 4, skipTokens: 0, smooth2x2: false }));
  const heads = (['deep', 'middle'] as const).map(role => ({ role, weights: new Float32Array(16), has: [true, true] }));
  return { ...data, model: { ...data.model, spec: { ...data.model.spec, outputs } }, learnt: { classes: ['class 3', 'class 7'], heads, sureness: new Map() } };
}

test('a head begins as the linear head, whatever its other units are', async () => {
  const head = { role: 'deep', channels: 5, classes: 3, free: 4 };
  const linear = noise(15, 1).map(value => value - 0.5);
  const start = startOfHead(head, linear, 0.7, 2);
  const features: Maps = { data: noise(5 * 12, 3), channels: 5, height: 3, width: 4 };
  const shapes = [[unitsOf(head), 5, 1, 1], [unitsOf(head)], [3, unitsOf(head), 1, 1]];
  const parameters = Object.fromEntries(mapParameters('deep').map((name, i) => [name, { dims: shapes[i], data: start[name] }]));
  const { data } = floats(await runOnce(puzzleMapsGraph(head, 12), { ...parameters, features: { dims: [1, 5, 1, 12], data: features.data } }), 'maps');
  const expected = rawCams(features, linear).data;
  data.forEach((value, i) => near(value, expected[i], 1e-5));
});

test('what fills up a short photo counts nothing', async () => {
  const head = { role: 'deep', channels: 4, classes: 2, free: 3 };
  const start = startOfHead(head, noise(8, 5), 1, 6);
  // Free units must be heard, or only the linear part is looked at.
  start['deep.weights'] = noise(start['deep.weights'].length, 7);
  const lossOf = async (cells: number, filler: number): Promise<number[]> => {
    const { g, loss, parameters } = puzzleHeadsLoss([head], 1, cells);
    const graph = trainingGraph(g, loss, parameters, { kind: 'sgd', momentum: 0 });
    const filled = (seed: number): Float32Array => {
      const own = noise(4 * 6, seed);
      return Float32Array.from({ length: 4 * cells }, (_, i) => (i % cells < 6 ? own[Math.floor(i / cells) * 6 + (i % cells)] : filler));
    };
    const feeds: Record<string, Tensor> = {
      'deep.whole': { dims: [1, 4, 1, cells], data: filled(8) }, 'deep.tiles': { dims: [1, 4, 1, cells], data: filled(9) },
      shares: { dims: [1, 1, 1, cells], data: Float32Array.from({ length: cells }, (_, i) => (i < 6 ? 1 / 6 : 0)) },
      tags: { dims: [1, 2], data: Float32Array.of(1, 0) }, alpha: { dims: [], data: Float32Array.of(2) }, rate: { dims: [], data: Float32Array.of(0) },
    };
    const zeros = Object.fromEntries(graph.state.map(({ name, shape }) => [name, { dims: shape, data: start[name] ?? new Float32Array(shape.reduce((a, b) => a * b, 1)) }]));
    const out = await runOnce(graph.model, { ...feeds, ...zeros });
    return ['loss', 'loss.classification', 'loss.tilesClassification', 'loss.reconstruction'].map(name => floats(out, name).data[0]);
  };
  const plain = await lossOf(6, 0);
  assert.ok(plain[3] > 0.01, 'whole and tiles differ');
  near(plain[0], plain[1] + plain[2] + 2 * plain[3], 1e-5);
  (await lossOf(9, 50)).forEach((value, i) => near(value, plain[i], 1e-4));
});

test('it learns what is where: losses fall, tags are told apart, maps are high on the object', async () => {
  const data = folder();
  const stage = await PuzzleHeadStage.open(data, PRESET, SECTION);
  assert.equal(stage.stepsPerEpoch, 2);
  const totals: number[] = [];
  for (let epoch = 1; epoch <= SECTION.epochs; epoch++) {
    await stage.beginEpoch();
    let sum = 0;
    for (let step = 0; step < stage.stepsPerEpoch; step++) {
      const losses = await stage.step(epoch, step);
      sum += losses['classification'] + losses['tilesClassification'];
      assert.ok(losses['reconstruction'] >= 0 && Number.isFinite(losses.total));
    }
    totals.push(sum);
  }
  assert.ok(totals[19] < 0.5 * totals[0], totals.join(' '));
  assert.deepEqual(await stage.tagging(), { 'class 3': 1, 'class 7': 1 });
  const cam = new PuzzleCam(data.host, headsOf(data, SECTION), data.classes, stage.state.tensors);
  const map = await cam.cam(await data.features(data.photos[2]), [7, 3]);
  const mean = (k: number, right: boolean, below: boolean): number => {
    const own = Array.from(map.data.subarray(k * 48, (k + 1) * 48)).filter((_, i) => i % 8 >= 4 === right && i >= 24 === below);
    return own.reduce((a, b) => a + b, 0) / own.length;
  };
  const quarters = (k: number): number[] => [mean(k, false, false), mean(k, true, false), mean(k, false, true), mean(k, true, true)];
  const highest = (k: number): number => quarters(k).indexOf(Math.max(...quarters(k)));
  assert.deepEqual([highest(0), highest(1)], [3, 0], 'class 7 is right below, class 3 left above');
  const scorer = await stage.scorer();
  const scores = await scorer.scores({ image: await data.image(data.photos[2]), features: await data.features(data.photos[2]), ids: [7, 3] });
  assert.equal(scores.channels, 3);
  for (let i = 0; i < 48; i++) near(scores.data[i] + scores.data[48 + i] + scores.data[96 + i], 1, 1e-5);
  const again = await puzzleScorer(data, PRESET, SECTION, stage.state).scores({ image: await data.image(data.photos[2]), features: await data.features(data.photos[2]), ids: [7, 3] });
  assert.deepEqual(again, scores);
  await Promise.all([cam.release(), scorer.release(), stage.release()]);
});

test('a training that goes on is the one that was not stopped', async () => {
  const data = folder();
  const short = { ...SECTION, epochs: 2 };
  const steps = async (stage: PuzzleHeadStage, from: number): Promise<void> => {
    for (let done = from; done < 4; done++) await stage.step(1 + Math.floor(done / 2), done % 2);
  };
  const whole = await PuzzleHeadStage.open(data, PRESET, short);
  for (let done = 0; done < 3; done++) await whole.step(1 + Math.floor(done / 2), done % 2);
  const kept = structuredClone(whole.state);
  await steps(whole, 3);
  const resumed = await PuzzleHeadStage.open(data, PRESET, short);
  resumed.state = kept;
  await steps(resumed, 3);
  assert.deepEqual(resumed.state, whole.state);
  await Promise.all([whole.release(), resumed.release()]);
});

test('a folder without heads, or a photo that cannot be read, is told', async () => {
  const data = folder();
  await assert.rejects(PuzzleHeadStage.open({ ...data, learnt: { ...data.learnt, heads: [] } }, PRESET, SECTION), (error: unknown) => error instanceof SeedMaskError && error.reason === 'nothing-to-learn');
  const { heads: _, ...without } = SECTION;
  await assert.rejects(PuzzleHeadStage.open(data, PRESET, without), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-settings');
  const lines: string[] = [];
  const broken: TrainingData = { ...data, log: line => lines.push(line), tiles: (photo, perSide) => (photo.photo === '1.jpg' ? Promise.reject(new SeedMaskError('bad-image', 'cannot be decoded', photo.photo)) : data.tiles(photo, perSide)) };
  const stage = await PuzzleHeadStage.open(broken, PRESET, { ...SECTION, batch: 7 });
  assert.equal(stage.stepsPerEpoch, 1, 'seven of eight photos are left');
  assert.match(lines.join(), /1\.jpg is not learnt from/);
  await stage.release();
});
