/** One RecurSeed step, from raw scores to labels, against the chain of the authors' operators. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAM_NORMALISATIONS } from '../../../src/pipeline/cam';
import { pamrAffinity } from '../../../src/pipeline/pamr';
import { recurSeedStep } from '../../../src/pipeline/recurSeed';
import { Scg } from '../../../src/pipeline/scg';
import { plane, type Maps } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';
import { fixture, reference } from '../../shared';
import { assertClose, fixtureMaps, randomMaps, type FixtureTensor } from './maps';

interface StepFixture {
  tolerance_abs: number;
  inputs: { scores: FixtureTensor; tags: number[]; image: FixtureTensor };
  outputs: { cam: FixtureTensor; scm: FixtureTensor; M_rs: FixtureTensor; M_seg: FixtureTensor; class_keys: number[] };
}

const needed = reference('spec/fixtures/recurseed_step.json', 'spec/fixtures/scg_16x14x14.json');

test("equals the authors' operators in a row", needed, async () => {
  const { inputs, outputs, tolerance_abs } = fixture<StepFixture>('recurseed_step.json');
  const grid = fixture<{ inputs: Record<string, FixtureTensor> }>('scg_16x14x14.json').inputs;
  const tagged = inputs.tags.flatMap((tag, k) => (tag ? [k] : []));
  const cams = select(CAM_NORMALISATIONS.cam([fixtureMaps(inputs.scores)]), tagged);
  assertClose(cams, select(fixtureMaps(outputs.cam), tagged), tolerance_abs);

  const scg = new Scg(cpuHost());
  const affinity = pamrAffinity(fixtureMaps(inputs.image));
  const levels = [fixtureMaps(grid.features_A), fixtureMaps(grid.features_B)];
  const step = await recurSeedStep(scg, { cams, levels, affinity, ids: outputs.class_keys });
  await scg.release();

  assertClose(step.spread, select(fixtureMaps(outputs.scm), tagged), tolerance_abs);
  assertClose(step.refined, select(fixtureMaps(outputs.M_rs), tagged), tolerance_abs);
  assert.deepEqual([...step.labels.data], outputs.M_seg.data);
});

test('a photo without a certain seed is all background', async () => {
  const image = { data: new Uint8Array(12 * 12 * 3).fill(90), height: 12, width: 12 };
  const cams = { ...randomMaps(1, 3, 3, 1), data: new Float32Array(9).fill(0.2) };
  const step = await recurSeedStep(new Scg(cpuHost()), { cams, levels: [randomMaps(4, 3, 3, 2)], affinity: pamrAffinity(image), ids: [7] });
  assert.ok(step.labels.data.every(label => label === 0));
});

function select(maps: Maps, channels: readonly number[]): Maps {
  return { ...maps, channels: channels.length, data: Float32Array.from(channels.flatMap(c => [...plane(maps, c)])) };
}
