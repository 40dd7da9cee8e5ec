/** The light decoder on real photos, through the whole job: seeds, recursion, mixes through the real backbone, and masks made with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import * as v from 'valibot';
import { QUICK, type Preset } from '../../../models/presets';
import { trainingSchema } from '../../../models/trainingPreset';
import { readTrained } from '../../../src/dataset/trained';
import type { TrainingMetrics } from '../../../src/shared/training';
import { makePhotoFolder } from '../../photos';
import { tempFolder } from '../../unit/dataset/temp';
import { RECURSION, SECTION } from '../training/decoderFolder';
import { idsIn, run } from './folders';
import { curves, presetFile, runTraining } from './trainFolders';

/** Small views of the real backbone; three epochs: seeds, recursion, mixes. */
function smallPreset(): Preset {
  const decoder = {
    ...SECTION, members: 2, folds: 2, batch: 64, cellsPerPhoto: 160, hidden: [24], epochs: 3, rate: 0.01,
    inputs: { ...SECTION.inputs, root: true, layers: [{ role: 'deep', dimensions: 12, spread: 1 }, { role: 'middle', dimensions: 16, spread: 1 }], sample: { photos: 4, cells: 400 } },
    seeds: { ...SECTION.seeds, labels: 'mask' }, recursion: { ...RECURSION, mixes: 2 },
  };
  return { ...QUICK, name: 'small', views: [{ longSide: 192, flip: false }], pamr: { ...QUICK.pamr, longSide: 96 }, training: v.parse(trainingSchema, { seed: 3, checkpointEvery: 50, samples: 1, puzzle: null, decoder }) };
}

test('real photos: the loss falls, mixes are made, and masks come from what was learnt', async t => {
  const folder = join(await tempFolder(t), 'photos');
  const { tags } = makePhotoFolder(join(import.meta.dirname, '../../..'), folder);
  const options = { settings: { presetFile: await presetFile(t, smallPreset()) } };
  const { summary } = await runTraining(folder, undefined, options);
  assert.deepEqual([summary.state, summary.failed], ['done', []]);
  const points = (await curves(folder, summary)).filter((line): line is TrainingMetrics & { type: 'metrics' } => line.type === 'metrics');
  const mean = (epoch: number, name: string): number => {
    const own = points.filter(point => point.epoch === epoch).map(point => point.losses[name]);
    return own.reduce((a, b) => a + b, 0) / own.length;
  };
  assert.ok(mean(3, 'classification') < 0.8 * mean(1, 'classification'), `${mean(1, 'classification')} -> ${mean(3, 'classification')}`);
  assert.ok(mean(2, 'segmentation') < mean(1, 'segmentation'), `${mean(1, 'segmentation')} -> ${mean(2, 'segmentation')}`);
  assert.ok(mean(3, 'recursion') > 0);
  assert.deepEqual(Object.keys(points.at(-1)?.tagging ?? {}).sort(), ['airplane', 'boat', 'cat', 'sheep']);
  assert.ok(await readTrained(folder));

  const made = await run(folder, undefined, options);
  assert.equal(made.summary.written, Object.keys(tags).length);
  const own = new Set<number>();
  for (const photo of Object.keys(tags)) {
    const ids = (await idsIn(folder, photo.replace('.jpg', '.mask.png'))).filter(id => id !== 0);
    assert.ok(ids.length <= 1, `${photo} has one tag, not ${ids}`);
    ids.forEach(id => own.add(id));
  }
  assert.ok(own.size > 1, 'things are found');
});
