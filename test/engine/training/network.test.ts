/** Trainings on images: each method's loss falls on real photos, steps can be repeated, a training that is taken up again goes on bit for bit, and a trained network scores photos. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkStage } from '../../../src/engine/training/network/networkStage';
import { PuzzleNetworkStage } from '../../../src/engine/training/network/puzzleNetworkStage';
import { SegmentationStage } from '../../../src/engine/training/network/segmentationStage';
import type { Losses, TrainingStage } from '../../../src/engine/training/trainingStage';
import { NETWORK, photoData, presetOf, PUZZLE, SEGMENTATION } from './networkFolder';

/** Steps from epoch `from` to epoch `to`, both included. */
async function run(stage: TrainingStage, from: number, to: number): Promise<Losses[]> {
  const losses: Losses[] = [];
  for (let epoch = from; epoch <= to; epoch++) {
    await stage.beginEpoch(epoch);
    for (let step = 0; step < stage.stepsPerEpoch; step++) losses.push(await stage.step(epoch, step));
  }
  return losses;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const fell = (losses: readonly number[], share: number): void => {
  const third = Math.floor(losses.length / 3);
  const [before, after] = [mean(losses.slice(0, third)), mean(losses.slice(-third))];
  assert.ok(after < share * before, `${before} -> ${after}: ${losses.map(loss => loss.toFixed(3)).join(' ')}`);
};

test('RecurSeed + EdgePredictMix: losses of each phase come in their turn, and the tags are learnt', async () => {
  const stage = await NetworkStage.open(photoData(), presetOf({ network: { ...NETWORK, epochs: 24, recurseFrom: 17, mixFrom: 21 } }), { ...NETWORK, epochs: 24, recurseFrom: 17, mixFrom: 21 }, []);
  const tags = await run(stage, 1, 16);
  fell(tags.map(({ classification }) => classification), 0.85);
  assert.deepEqual(Object.keys(tags[0]).sort(), ['classification', 'total']);
  const decoder = stage.state.tensors['decoder.first'].data;
  const recursive = await run(stage, 17, 20);
  assert.deepEqual(Object.keys(recursive[0]).sort(), ['classification', 'recursion', 'segmentation', 'total']);
  assert.notDeepEqual(stage.state.tensors['decoder.first'].data, decoder);
  const mixed = await run(stage, 21, 24);
  assert.deepEqual(Object.keys(mixed[0]).sort(), ['classification', 'mixedRecursion', 'mixedSegmentation', 'recursion', 'segmentation', 'total']);
  for (const losses of [...recursive, ...mixed]) assert.ok(Object.values(losses).every(loss => Number.isFinite(loss) && loss >= 0));
  const tagging = await stage.tagging();
  assert.deepEqual(Object.keys(tagging).sort(), ['airplane', 'boat', 'cat', 'sheep']);
  await stage.release();
});

test('Puzzle-CAM of the whole backbone learns, and its backbone is where the network starts', async () => {
  const data = photoData();
  const stage = await PuzzleNetworkStage.open(data, presetOf({ puzzle: PUZZLE }), PUZZLE, []);
  const losses = await run(stage, 1, PUZZLE.epochs);
  fell(losses.map(({ classification, tilesClassification }) => classification + tilesClassification), 0.9);
  assert.ok(losses.every(({ reconstruction }) => reconstruction > 0));
  const next = await NetworkStage.open(data, presetOf({ network: NETWORK }), NETWORK, [{ state: stage.state }]);
  assert.deepEqual(next.state.tensors['backbone.conv3'].data, stage.state.tensors['backbone.conv3.ema'].data);
  assert.deepEqual(next.state.tensors['classifier'].data, stage.state.tensors['classifier.ema'].data);
  for (const one of [stage, next]) await one.release();
});

test('the final stage learns the seeds', async () => {
  const stage = await SegmentationStage.open(photoData(), presetOf({ segmentation: SEGMENTATION }), SEGMENTATION, []);
  fell((await run(stage, 1, SEGMENTATION.epochs)).map(({ segmentation }) => segmentation), 0.8);
  await stage.release();
});
