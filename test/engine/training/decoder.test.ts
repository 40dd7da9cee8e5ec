/** The light decoder learns from seeds, from itself and from a person, by chance that can be repeated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainingState } from '../../../models/trainer';
import type { DecoderPreset } from '../../../models/trainingPreset';
import { DecoderStage, decoderKind } from '../../../src/engine/training/decoder/decoderStage';
import { taughtPixels } from '../../../src/engine/training/decoder/decoderTargets';
import type { Losses, TrainingData } from '../../../src/engine/training/trainingStage';
import { resizeLabels } from '../../../src/pipeline/resize';
import { SeedMaskError } from '../../../src/shared/errors';
import { plane, type Maps } from '../../../src/shared/maps';
import { makeFolder, presetWith, RECURSION, SECTION, upperRows } from './decoderFolder';

const open = (data: TrainingData, section: DecoderPreset, seed?: number): Promise<DecoderStage> => DecoderStage.open(data, presetWith(section, seed), section);

/** All epochs, or those from a step on. */
async function run(stage: DecoderStage, from = { epoch: 1, step: 0 }, until = stage.epochs): Promise<Losses[]> {
  const losses: Losses[] = [];
  for (let epoch = from.epoch; epoch <= until; epoch++) {
    await stage.beginEpoch(epoch);
    for (let step = epoch === from.epoch ? from.step : 0; step < stage.stepsPerEpoch; step++) losses.push(await stage.step(epoch, step));
  }
  return losses;
}

const mean = (losses: readonly Losses[], name = 'total'): number => losses.reduce((sum, loss) => sum + loss[name], 0) / losses.length;

/** Probabilities of a photo. */
async function scoresOf(stage: DecoderStage, data: TrainingData, index: number): Promise<Maps> {
  const photo = data.photos[index];
  const scorer = await stage.scorer();
  const scores = await scorer.scores({ image: await data.image(photo), features: await data.features(photo), ids: photo.ids, sha256: photo.sha256 });
  await scorer.release();
  return scores;
}

/** Share of the cells whose likeliest class is right. */
async function rightShare(stage: DecoderStage, { data, truth }: ReturnType<typeof makeFolder>): Promise<number> {
  let right = 0;
  let all = 0;
  for (const [index, { photo, ids }] of data.photos.entries()) {
    const scores = await scoresOf(stage, data, index);
    const expected = resizeLabels(truth.get(photo) ?? assert.fail(), scores.height, scores.width).data;
    expected.forEach((label, i) => {
      const row = Array.from({ length: scores.channels }, (_, c) => plane(scores, c)[i]);
      assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-4);
      right += Number([0, ...ids][row.indexOf(Math.max(...row))] === label);
      all++;
    });
  }
  return right / all;
}

test('loss falls, and cells get the classes that the seeds were sure of', async () => {
  const folder = makeFolder();
  const stage = await open(folder.data, SECTION);
  const losses = await run(stage);
  assert.equal(losses.length, 3 * stage.stepsPerEpoch);
  assert.ok(mean(losses.slice(-5)) < 0.4 * mean(losses.slice(0, 3)), `${mean(losses.slice(0, 3))} -> ${mean(losses.slice(-5))}`);
  assert.ok((await rightShare(stage, folder)) > 0.95);
  await stage.release();
});

test('the same seed gives the same numbers; another one others', async () => {
  const states: TrainingState[] = [];
  for (const seed of [1, 1, 2]) {
    const stage = await open(makeFolder().data, { ...SECTION, recursion: RECURSION }, seed);
    await run(stage);
    states.push(stage.state);
    await stage.release();
  }
  assert.deepEqual(states[1], states[0]);
  assert.notDeepEqual(states[2].tensors.decoder, states[0].tensors.decoder);
});

test('a training that goes on from the middle of an epoch ends where one without a break ends, bit for bit', async () => {
  const section = { ...SECTION, recursion: RECURSION, average: 0.9, seeds: { ...SECTION.seeds, removed: 'complemented' as const } };
  const { data } = makeFolder({ removed: true });
  const whole = await open(data, section);
  await run(whole);
  const first = await open(data, section);
  await run(first, undefined, 2);
  const anchor = first.state;
  await first.beginEpoch(3);
  for (let step = 0; step < 2; step++) await first.step(3, step);
  const current = first.state;
  await first.release();
  const second = await open(data, section);
  second.state = anchor;
  await second.beginEpoch(3);
  second.state = current;
  for (let step = 2; step < second.stepsPerEpoch; step++) await second.step(3, step);
  assert.deepEqual(second.state, whole.state);
  await whole.release();
  await second.release();
});

test('recursion and mixes: the classifier learns the tags, mixes go through the backbone, all losses are told', async () => {
  for (const [mix, loss] of [['edgePredict', 'bce'], ['edgePredict', 'l1'], ['classMix', 'bce']] as const) {
    const folder = makeFolder();
    const stage = await open(folder.data, { ...SECTION, epochs: 4, cellsPerPhoto: 120, recursion: { ...RECURSION, mix, loss } });
    const losses = await run(stage);
    assert.deepEqual(Object.keys(losses[0]).sort(), ['classification', 'recursion', 'segmentation', 'total']);
    assert.ok(mean(losses.slice(-5), 'classification') < 0.7 * mean(losses.slice(0, 3), 'classification'));
    const { stepsPerEpoch } = stage;
    const of = (epoch: number): Losses[] => losses.slice((epoch - 1) * stepsPerEpoch, epoch * stepsPerEpoch);
    assert.ok(mean(of(1).slice(-3), 'recursion') < mean(of(1).slice(0, 3), 'recursion'), 'before the recursion, maps follow the seeds');
    assert.ok(mean(of(4), 'recursion') < mean(of(2), 'recursion'));
    assert.ok(folder.extracted.length > 0 && folder.extracted.length <= 2 * RECURSION.mixes, `${folder.extracted.length} mixes`);
    const colours = new Set(folder.extracted.flatMap(({ data }) => [...data].filter((_, i) => i % 3 === 0)));
    assert.ok(colours.has(220) || colours.has(70), 'something is pasted');
    assert.ok((await rightShare(stage, folder)) > 0.95, `${mix} ${loss}`);
    const tagging = await stage.tagging();
    assert.ok(tagging['class 3'] > 0.9 && tagging['class 7'] > 0.9);
    await stage.release();
  }
});

test('with a recursion, the scorer gives maps that find the tags, to join those of the heads', async () => {
  const folder = makeFolder();
  for (const loss of ['bce', 'l1'] as const) {
    const stage = await open(folder.data, { ...SECTION, epochs: 4, cellsPerPhoto: 120, recursion: { ...RECURSION, loss, mix: 'none', labels: 'seeds' } });
    await run(stage);
    const scorer = await stage.scorer();
    for (const photo of folder.data.photos.filter(({ ids }) => ids.length > 0)) {
      const [{ scores, has }] = (await scorer.layers?.({ image: await folder.data.image(photo), features: await folder.data.features(photo), ids: photo.ids }))?.filter(layer => 'scores' in layer) ?? assert.fail();
      assert.deepEqual(has, photo.ids.map(() => true));
      const [map] = scores;
      const truth = resizeLabels(folder.truth.get(photo.photo) ?? assert.fail(), map.height, map.width).data;
      photo.ids.forEach((id, k) => plane(map, k).forEach((value, i) => assert.ok(truth[i] === id ? value > 0.5 : value < 0.5, `${loss}: ${value} where ${truth[i]} is`)));
    }
    await scorer.release();
    await stage.release();
  }
  const without = await (await open(folder.data, SECTION)).scorer();
  const [photo] = folder.data.photos;
  assert.equal(await without.layers?.({ image: await folder.data.image(photo), features: await folder.data.features(photo), ids: photo.ids }), undefined);
});

test('what a person decided stands above seeds and recursion', async () => {
  // The person says that the upper rows of every photo are class 7, which the seeds know nothing of.
  const folder = makeFolder({ certain: photo => (photo === '1.jpg' || photo === '5.jpg' ? upperRows(12, 7) : undefined) });
  const [plain, taught] = [await open(makeFolder().data, { ...SECTION, epochs: 4 }), await open(folder.data, { ...SECTION, epochs: 4 })];
  await run(plain);
  await run(taught);
  const above = async (stage: DecoderStage): Promise<number> => plane(await scoresOf(stage, folder.data, 1), 1).subarray(0, 16).reduce((sum, p) => sum + p / 16, 0);
  const [without, withWord] = [await above(plain), await above(taught)];
  assert.ok(without < 0.2 && withWord > without + 0.25, `${without} ${withWord}`);
});

test('complementing brings back what debiasing took away', async () => {
  const upper = async (removed: 'background' | 'complemented'): Promise<number> => {
    const { data } = makeFolder({ removed: true });
    const stage = await open(data, { ...SECTION, epochs: 4, average: 0.8, seeds: { ...SECTION.seeds, removed } });
    await run(stage);
    const scores = plane(await scoresOf(stage, data, 0), 1);
    await stage.release();
    return (scores[0] + scores[1] + scores[2] + scores[8] + scores[9]) / 5;
  };
  const [background, complemented] = [await upper('background'), await upper('complemented')];
  assert.ok(complemented > background + 0.1, `${complemented} after ${background}`);
});

test('a second round begins anew and learns from what the first one would make; it, too, goes on bit for bit', async () => {
  const section = { ...SECTION, rounds: 2, folds: 2, epochs: 2 };
  const folder = makeFolder();
  let asked = 0;
  const data: TrainingData = { ...folder.data, mask: (photo, scorer) => (asked++, folder.data.mask(photo, scorer)) };
  const whole = await open(data, section);
  assert.equal(whole.epochs, 4);
  const losses = await run(whole, undefined, 2);
  assert.equal(asked, 0);
  const anchor = whole.state;
  await whole.beginEpoch(3);
  assert.equal(asked, data.photos.length);
  const { steps, tensors } = whole.state;
  assert.ok(steps === 0 && tensors['before.decoder'] && anchor.tensors['before.decoder'], 'all states have one form');
  assert.notDeepEqual(tensors.decoder, anchor.tensors.decoder);
  assert.deepEqual(tensors['before.decoder'].data, anchor.tensors.decoder.data);
  const first = await whole.step(3, 0);
  assert.ok(first.total > mean(losses.slice(-5)), 'it begins anew');
  for (let step = 1; step < whole.stepsPerEpoch; step++) await whole.step(3, step);
  const [middle] = [whole.state];
  await whole.beginEpoch(4);
  assert.equal(asked, data.photos.length, 'labels are made once a round');
  for (let step = 0; step < whole.stepsPerEpoch; step++) await whole.step(4, step);
  assert.ok((await rightShare(whole, folder)) > 0.9);

  const resumed = await open(data, section);
  resumed.state = middle;
  await run(resumed, { epoch: 4, step: 0 });
  assert.deepEqual(resumed.state, whole.state);
});

test('what debiasing took away stays away in later rounds', () => {
  const map = (...data: number[]) => ({ data: Uint8Array.from(data), height: 1, width: 5 });
  const [mask, removed] = [map(3, 3, 7, 0, 7), map(3, 0, 3, 3, 7)];
  assert.deepEqual([...taughtPixels(mask, removed, 'background').labels.data], [0, 3, 7, 0, 0]);
  assert.deepEqual([...taughtPixels(mask, removed, 'ignored').labels.data], [255, 3, 7, 0, 255]);
  assert.deepEqual(taughtPixels(mask, undefined, 'background').labels, mask);
});

test('photos are judged by the member that did not learn from them', async () => {
  const { data } = makeFolder();
  const section = { ...SECTION, folds: 2, epochs: 1, photos: 100 };
  const stage = await open(data, section);
  await run(stage);
  const stored = await decoderKind.scorer?.(data, presetWith(section), section, [{ name: 'decoder', state: stage.state }]);
  const [photo] = data.photos;
  const input = { image: await data.image(photo), features: await data.features(photo), ids: photo.ids };
  const known = await stored?.scores({ ...input, sha256: '00000000' });
  const other = await stored?.scores({ ...input, sha256: '00000001' });
  const both = await stored?.scores(input);
  assert.ok(known && other && both);
  assert.notDeepEqual(known.data, other.data);
  both.data.forEach((value, i) => assert.ok(Math.abs(value - (known.data[i] + other.data[i]) / 2) < 1e-5));
});

test('restricted training gives no probability to classes that photos have not', async () => {
  const folder = makeFolder();
  const stage = await open(folder.data, { ...SECTION, restricted: true });
  const losses = await run(stage);
  assert.ok(mean(losses.slice(-5)) < mean(losses.slice(0, 3)));
  assert.ok((await rightShare(stage, folder)) > 0.95);
});

test('a class that nobody trained has no chance; nothing to learn is told', async () => {
  const { data } = makeFolder();
  const stage = await open(data, SECTION);
  const scorer = await stage.scorer();
  const { channels, data: values } = await scorer.scores({ image: await data.image(data.photos[0]), features: await data.features(data.photos[0]), ids: [3, 200] });
  assert.equal(channels, 3);
  assert.ok(values.subarray((values.length / 3) * 2).every(value => value === 0));
  await assert.rejects(open({ ...data, photos: [] }, SECTION), (error: unknown) => error instanceof SeedMaskError && error.reason === 'nothing-to-learn');
  await assert.rejects(open(data, { ...SECTION, grid: 129 }), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-settings');
});
