/** Networks on images in mixed precision: the losses of every kind of step are those of single precision but for rounding; a state goes from either to the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkStage } from '../../../src/engine/training/network/networkStage';
import { SegmentationStage } from '../../../src/engine/training/network/segmentationStage';
import type { Losses, TrainingStage } from '../../../src/engine/training/trainingStage';
import { NETWORK, photoData, presetOf, SEGMENTATION } from './networkFolder';

function near(one: Losses, other: Losses, what: string): void {
  assert.deepEqual(Object.keys(one).sort(), Object.keys(other).sort());
  for (const [name, loss] of Object.entries(one)) assert.ok(Math.abs(loss - other[name]) < 0.01 * (0.1 + loss), `${what}, ${name}: ${loss}, in mixed precision ${other[name]}`);
}

async function bothSteps(single: TrainingStage, mixed: TrainingStage, epochs: readonly number[]): Promise<void> {
  for (const epoch of epochs) {
    // What single precision learnt; the scale of the loss stays.
    mixed.state = single.state;
    for (const stage of [single, mixed]) await stage.beginEpoch(epoch);
    near(await single.step(epoch, 0), await mixed.step(epoch, 0), `epoch ${epoch}`);
  }
}

test('recursive targets, mixes and tags in mixed precision', async () => {
  const section = { ...NETWORK, epochs: 4, recurseFrom: 2, mixFrom: 3, rate: 0.001 };
  const open = (precision: 'auto' | 'mixed'): Promise<NetworkStage> => NetworkStage.open(photoData(), presetOf({ network: { ...section, precision } }), { ...section, precision }, []);
  const [single, mixed] = [await open('auto'), await open('mixed')];
  await bothSteps(single, mixed, [1, 2, 3, 4]);
  assert.equal('scaling' in single.state.tensors, false);
  const [scale, good, left] = mixed.state.tensors['scaling'].data;
  assert.deepEqual([scale, good + left], [2 ** (16 - left), 4]);
  assert.ok(good > 0, `${left} steps of 4 were left out`);
  single.state = mixed.state;
  await bothSteps(single, mixed, [4]);
  for (const stage of [single, mixed]) await stage.release();
});

test('the final stage in mixed precision', async () => {
  const open = (precision: 'auto' | 'mixed'): Promise<SegmentationStage> => SegmentationStage.open(photoData(), presetOf({ segmentation: { ...SEGMENTATION, precision } }), { ...SEGMENTATION, precision }, []);
  const [single, mixed] = [await open('auto'), await open('mixed')];
  await bothSteps(single, mixed, [1, 2]);
  for (const stage of [single, mixed]) await stage.release();
});
