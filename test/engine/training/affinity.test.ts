/** AffinityNet and IRNet's edges on frozen features: labels, learning, going on bit for bit, and a walk that is better for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AffinityPreset } from '../../../models/trainingPreset';
import { BatchTrainer } from '../../../models/batchTrainer';
import { affinityLoss, affinityParameters, affinityStart, type AffinityShape } from '../../../models/affinityHeads';
import { uniform } from '../../../models/random';
import { AffinityStage, confidentLabels } from '../../../src/engine/training/affinity/affinityStage';
import { AffinityWalk } from '../../../src/engine/training/affinity/affinityWalk';
import type { TrainingData } from '../../../src/engine/training/trainingStage';
import { edgeTransition, propagate } from '../../../src/pipeline/propagation';
import { pairOffsets, pathOf } from '../../../src/pipeline/randomWalk';
import { SeedMaskError } from '../../../src/shared/errors';
import type { GraphHost, Tensor } from '../../../src/shared/graph';
import { IGNORE, zeroMaps, type LabelMap, type Maps } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';
import { makeFolder, presetWith, SECTION as DECODER, upperRows } from './decoderFolder';

const NET: AffinityPreset = {
  kind: 'affinityNet', epochs: 10, batch: 3, rate: 0.02, weightDecay: 5e-4, momentum: 0.9, layers: [{ role: 'deep', channels: 8 }, { role: 'middle', channels: 8 }, { role: 'fine', channels: 8 }], colour: 4, features: 8,
  grid: 2, crop: 5, radius: 3, labels: { foreground: 0.6, background: 0.35 },
};
const EDGES: AffinityPreset = { ...NET, kind: 'irnet', rate: 0.2 };
const PRESET = presetWith(DECODER);

/** The made-up folder; its backbone has layers of 8 channels. */
function folder(): { data: TrainingData; truth: ReadonlyMap<string, LabelMap> } {
  const { data, truth } = makeFolder();
  const outputs = (['deep', 'middle'] as const).map(role => ({ name: role, role, kind: 'map' as const, channels: 8, stride: 4, skipTokens: 0, smooth2x2: false }));
  return { data: { ...data, model: { ...data.model, spec: { ...data.model.spec, outputs } } }, truth };
}

/** Mean total loss of each epoch. */
async function learn(stage: AffinityStage): Promise<number[]> {
  const means: number[] = [];
  for (let epoch = 1; epoch <= stage.epochs; epoch++) {
    await stage.beginEpoch();
    let sum = 0;
    for (let step = 0; step < stage.stepsPerEpoch; step++) {
      const { total, background, foreground, negative } = await stage.step(epoch, step);
      assert.ok(Math.abs(total - background / 4 - foreground / 4 - negative / 2) < 1e-5);
      sum += total / stage.stepsPerEpoch;
    }
    means.push(sum);
  }
  return means;
}

/** Share of pixels whose label, by scores against 0.5, is right. */
function right(scores: Maps, ids: readonly number[], truth: LabelMap): number {
  const size = truth.data.length;
  return truth.data.reduce((sum, label, p) => {
    const best = ids.reduce((found, id, k) => (scores.data[k * size + p] > found.score ? { id, score: scores.data[k * size + p] } : found), { id: 0, score: 0.5 });
    return sum + Number(best.id === label);
  }, 0) / size;
}

for (const section of [NET, EDGES]) {
  test(`${section.kind}: losses fall, and a poor seed is better after the walk than before`, async () => {
    const { data, truth } = folder();
    const stage = await AffinityStage.open(data, PRESET, section);
    const losses = await learn(stage);
    assert.ok(losses[9] < 0.75 * losses[0], losses.map(loss => loss.toFixed(3)).join(' '));
    const walk = new AffinityWalk(data, section, stage.state.tensors);
    const photo = data.photos[2];
    const labels = truth.get(photo.photo);
    assert.ok(labels);
    const transition = await walk.transition(await data.image(photo), await data.features(photo), 3);
    assert.ok(transition);
    // Only a part of each object is known, and some of the background is taken for it.
    const random = uniform(4);
    const poor: Maps = { data: Float32Array.from({ length: 2 * labels.data.length }, (_, i) => (labels.data[i % labels.data.length] === photo.ids[Math.floor(i / labels.data.length)] ? (random() < 0.45 ? 0.9 : 0.2) : random() < 0.1 ? 0.7 : 0.1)), channels: 2, height: labels.height, width: labels.width };
    const walked = propagate(poor, transition, { background: 'walks', beta: 8, steps: 64 }, 0.5);
    const [before, after] = [right(poor, photo.ids, labels), right(walked, photo.ids, labels)];
    assert.ok(after > before + 0.05, `${before} ${after}`);
    // Not for being smoothed alone.
    const even = edgeTransition(zeroMaps(1, transition.affinity.height, transition.affinity.width), 3);
    assert.ok(after > right(propagate(poor, { affinity: even.affinity }, { background: 'walks', beta: 1, steps: 64 }, 0.5), photo.ids, labels) + 0.05);
    await Promise.all([walk.release(), stage.release()]);
  });

  test(`${section.kind}: a training that goes on is the one that was not stopped`, async () => {
    const { data } = folder();
    const whole = await AffinityStage.open(data, PRESET, section);
    await whole.step(1, 0);
    const kept = structuredClone(whole.state);
    const resumed = await AffinityStage.open(data, PRESET, section);
    resumed.state = kept;
    for (const stage of [whole, resumed]) for (const [epoch, step] of [[1, 1], [1, 2], [2, 0]]) await stage.step(epoch, step);
    assert.deepEqual(resumed.state, whole.state);
    await assert.rejects(whole.scorer(), (error: unknown) => error instanceof SeedMaskError && error.reason === 'unavailable');
    await Promise.all([whole.release(), resumed.release()]);
  });
}

test('a batch in parts makes the step of the whole batch', async () => {
  const shape: AffinityShape = { kind: 'irnet', inputs: [{ name: 'deep', channels: 3, to: 4, height: 6, width: 6 }], features: 4, height: 6, width: 6 };
  const offsets = pairOffsets(2);
  const pairs = { radius: 2, offsets, paths: offsets.map(pathOf) };
  const random = uniform(9);
  const size = offsets.length * 5 * 4;
  const kinds = Uint8Array.from({ length: 4 * size }, (_, i) => (i < size ? 1 : Math.floor(random() * 4)));
  const inputs = Float32Array.from({ length: 4 * 3 * 36 }, random);
  const counts = [1, 2, 3].map(kind => kinds.reduce((sum, one) => sum + Number(one === kind), 0));
  const feeds = (from: number, to: number): Record<string, Tensor> => ({
    deep: { dims: [to - from, 3, 6, 6], data: inputs.slice(from * 108, to * 108) },
    counts: { dims: [3], data: Float32Array.from(counts, count => (count * (to - from)) / 4) },
    ...Object.fromEntries(['background', 'foreground', 'negative'].map((name, k) => [`pairs.${name}`, { dims: [to - from, offsets.length, 5, 4], data: Float32Array.from(kinds.slice(from * size, to * size), one => Number(one === k + 1)) }])),
  });
  const step = async (host: GraphHost): Promise<BatchTrainer> => {
    const trainer = await BatchTrainer.open(host, items => affinityLoss(shape, pairs, items), affinityStart(affinityParameters(shape), 3), { batch: 4, optimiser: { kind: 'sgd', momentum: 0.9 } });
    await trainer.step(feeds, 0.1);
    return trainer;
  };
  const whole = await step(cpuHost());
  const parts = await step(small(cpuHost(), 2));
  assert.equal(parts.items, 2);
  for (const [name, { data }] of Object.entries(whole.state.tensors)) data.forEach((value, i) => assert.ok(Math.abs(value - parts.state.tensors[name].data[i]) < 1e-5, name));
  await Promise.all([whole.release(), parts.release()]);
});

/** A device whose memory holds `most` photos. */
function small(host: GraphHost, most: number): GraphHost {
  return {
    async open(model) {
      const runner = await host.open(model);
      return {
        run: (feeds, outputs) => (feeds['deep'] && feeds['deep'].dims[0] > most ? Promise.reject(new SeedMaskError('out-of-memory', 'too many')) : runner.run(feeds, outputs)),
        release: () => runner.release(),
      };
    },
  };
}

test('confident labels: averaged scores against two backgrounds, what debiasing took is nobody\'s, a person is right', async () => {
  const { data } = makeFolder({ removed: true });
  const photo = data.photos[2];
  const seed = await data.seed(photo);
  const at = ({ data: labels, width }: LabelMap, y: number, x: number): number => labels[y * width + x];
  const labels = confidentLabels(seed, photo.ids, NET, 12, 16);
  assert.equal(at(labels, 10, 14), 7);
  assert.equal(at(labels, 5, 1), 3);
  assert.equal(at(labels, 2, 14), 0);
  assert.equal(at(labels, 1, 1), IGNORE, 'debiasing took the upper rows');
  const told = confidentLabels(seed, photo.ids, NET, 24, 32, upperRows(4, 7));
  assert.deepEqual([at(told, 0, 0), at(told, 3, 31)], [7, 7]);
  assert.equal(at(told, 5, 1), IGNORE);
});

test('a folder without tags, and crops without pairs, are refused; a photo without pairs has no walk', async () => {
  const { data } = folder();
  const reason = (expected: string) => (error: unknown): boolean => error instanceof SeedMaskError && error.reason === expected;
  await assert.rejects(AffinityStage.open({ ...data, photos: [data.photos[3]] }, PRESET, NET), reason('nothing-to-learn'));
  await assert.rejects(AffinityStage.open(data, PRESET, { ...NET, crop: 2, radius: 5 }), reason('bad-settings'));
  const stage = await AffinityStage.open(data, PRESET, NET);
  const walk = new AffinityWalk(data, NET, stage.state.tensors);
  assert.equal(await walk.transition(await data.image(data.photos[0]), await data.features(data.photos[0]), 9), undefined);
  await Promise.all([walk.release(), stage.release()]);
});
