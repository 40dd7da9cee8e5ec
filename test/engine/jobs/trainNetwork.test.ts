/** Preset full in small: Puzzle-CAM of a backbone, the single-stage network and the final stage one after another, through the whole job; stopped and taken up again it ends in the same numbers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { serialise } from '../../../models/graph/serialise';
import type { Preset } from '../../../models/presets';
import { readTrained } from '../../../src/dataset/trained';
import type { TrainingMetrics } from '../../../src/shared/training';
import { makePhotoFolder } from '../../photos';
import { tempFolder } from '../../unit/dataset/temp';
import { NETWORK, presetOf, PUZZLE, SEGMENTATION, smallBackbone, smallSpec } from '../training/networkFolder';
import { idsIn, run, saveBackbone } from './folders';
import { curves, presetFile, runTraining } from './trainFolders';

const STAGES = ['puzzle', 'network', 'segmentation'];

function smallFull(): Preset {
  const prediction = { longSide: 64, scales: [1], flip: true };
  const augmentation = { ...NETWORK.augmentation, crop: 64, longSide: { least: 64, most: 96 } };
  const preset = presetOf({
    puzzle: { ...PUZZLE, epochs: 1, batch: 2, network: { ...PUZZLE.network, augmentation, prediction } },
    network: { ...NETWORK, augmentation, epochs: 3, batch: 2, recurseFrom: 2, mixFrom: 3, classifier: 'heads', prediction },
    segmentation: { ...SEGMENTATION, augmentation, epochs: 1, batch: 2, labels: 'previous', complement: { crfIterations: 1 }, prediction },
  });
  if (!preset.training) throw new Error('no training');
  return { ...preset, name: 'small full', views: [{ longSide: 96, flip: false }], training: { ...preset.training, samples: 1, checkpointEvery: 1 } };
}

test('three networks one after another; a stopped training ends as one that was not stopped, and masks are made with the last', async t => {
  const models = await tempFolder(t);
  const backbone = await saveBackbone(models, 'small', serialise(smallBackbone()), smallSpec);
  const settings = { presetFile: await presetFile(t, smallFull()) };
  const folders = await Promise.all([0, 1].map(async () => {
    const folder = join(await tempFolder(t), 'photos');
    return makePhotoFolder(join(import.meta.dirname, '../../..'), folder);
  }));
  const [through, stopped] = folders.map(({ folder }) => folder);

  const { summary } = await runTraining(through, backbone, { settings });
  assert.deepEqual([summary.state, summary.error], ['done', undefined]);
  const lines = await curves(through, summary);
  const points = lines.filter((line): line is TrainingMetrics & { type: 'metrics' } => line.type === 'metrics');
  assert.deepEqual([...new Set(points.map(({ stage }) => stage))], STAGES);
  assert.deepEqual(Object.keys(points.filter(({ stage }) => stage === 'network').at(-1)?.losses ?? {}).sort(), ['classification', 'mixedRecursion', 'mixedSegmentation', 'recursion', 'segmentation', 'total']);
  assert.ok(lines.some(line => line.type === 'sample' && line.stage === 'segmentation'));

  const abort = new AbortController();
  const first = await runTraining(stopped, backbone, {
    settings,
    signal: abort.signal,
    onEvent: event => {
      if (event.type === 'metrics' && event.metrics.stage === 'network' && event.metrics.epoch === 2) abort.abort();
    },
  });
  assert.equal(first.summary.state, 'cancelled');
  const second = await runTraining(stopped, backbone, { settings, resume: true });
  assert.equal(second.summary.state, 'done');
  assert.ok(!second.summary.notes.some(note => /begins again/.test(note)), second.summary.notes.join('; '));
  const [one, other] = await Promise.all([through, stopped].map(readTrained));
  assert.ok(one && other);
  assert.deepEqual(one.stages.map(({ name }) => name), STAGES);
  assert.deepEqual([other.parameters, other.model], [one.parameters, one.model]);
  assert.ok(one.model, 'the last network leaves as a file');

  const made = await run(through, backbone, { settings });
  assert.equal(made.summary.written, 4);
  for (const [photo, tags] of Object.entries(folders[0].tags)) assert.ok((await idsIn(through, photo.replace('.jpg', '.mask.png'))).filter(id => id !== 0).length <= tags.length, photo);
});
