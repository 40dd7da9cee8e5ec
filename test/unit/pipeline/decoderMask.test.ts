/** From a network's probabilities to a mask: what each opinion does, that hints hold, and that no other class appears. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as v from 'valibot';
import { QUICK, type Preset } from '../../../models/presets';
import { trainingSchema, type MaskOpinions } from '../../../models/trainingPreset';
import { scoredMask } from '../../../src/pipeline/decoderMask';
import type { PhotoMaskInput } from '../../../src/pipeline/photoMask';
import { Scg } from '../../../src/pipeline/scg';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { cpuHost } from '../../cpuHost';

const [HEIGHT, WIDTH] = [24, 36];
let scg: Scg;
before(() => {
  scg = new Scg(cpuHost(), QUICK.scg);
});
after(() => scg.release());

/** A preset whose masks are made so. */
function presetWith(change: { plain?: Partial<MaskOpinions['plain']>; salient?: Partial<MaskOpinions['salient']>; pamr?: boolean } = {}): Preset {
  const training = v.parse(trainingSchema, { seed: 1, checkpointEvery: 1, samples: 0, puzzle: null, decoder: null });
  const { masks } = training;
  return { ...QUICK, name: 'test', training: { ...training, masks: { pamr: change.pamr ?? false, plain: { ...masks.plain, ...change.plain }, salient: { ...masks.salient, ...change.salient } } } };
}

const NETWORK = { network: 1, chain: 0, shift: 0 };

/** A photo of three colours; the heads see tag 3 on the left and tag 9 on the right. */
function input(change: Partial<PhotoMaskInput> = {}): PhotoMaskInput {
  const view: Maps = { channels: 2, height: 2, width: 4, data: Float32Array.of(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1) };
  return {
    ids: [3, 9], layers: [{ views: [view], weights: Float32Array.of(1, 0, 0, 1), has: [true, true] }], similarity: view, sureness: [0.9, 0.9],
    photo: { width: WIDTH, height: HEIGHT, data: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => [30, 120, 220][Math.floor(((Math.floor(i / 3) % WIDTH) * 3) / WIDTH)] + (i % 7)) }, crf: false, height: HEIGHT, width: WIDTH, ...change,
  };
}

/** Thirds: background, 3, 9 as sure as `sure`. */
function probabilities(sure = 0.9): Maps {
  const data = new Float32Array(3 * 3);
  for (let x = 0; x < 3; x++) for (let c = 0; c < 3; c++) data[c * 3 + x] = c === x ? sure : (1 - sure) / 2;
  return { data, channels: 3, height: 1, width: 3 };
}

const at = ({ data, width, height }: LabelMap, x: number): number => data[Math.floor(height / 2) * width + Math.floor(x * width)];

const scoreOf = (odds: number, threshold: number): number => odds / (odds + 1 / threshold - 1);

test('the network alone: the likeliest of background and tags, at the size that is asked for', async () => {
  for (const pamr of [false, true]) {
    const { mask, scores, refined, cam, seed } = await scoredMask(probabilities(), input({ height: 50, width: 77 }), presetWith({ plain: NETWORK, pamr }), scg);
    assert.deepEqual([mask.height, mask.width], [50, 77]);
    assert.deepEqual([0.1, 0.5, 0.9].map(x => at(mask, x)), [0, 3, 9]);
    assert.ok(mask.data.every(id => [0, 3, 9].includes(id)));
    assert.deepEqual([scores.channels, scores.height, refined.channels, seed.height, cam.channels], [2, HEIGHT, 2, HEIGHT, 2]);
    assert.ok(scores.data.every(score => score >= 0 && score <= 1));
  }
});

test('the chain alone gives the chain\'s mask; together both have a say', async () => {
  const chain = { network: 0, chain: 1, least: 0.004, shift: -Math.log(QUICK.mask.threshold) };
  const { mask, scores, refined } = await scoredMask(probabilities(), input(), presetWith({ plain: chain }), scg);
  assert.deepEqual([0.1, 0.9].map(x => at(mask, x)), [3, 9]);
  scores.data.forEach((score, i) => {
    const own = Math.max(refined.data[i], chain.least);
    assert.ok(Math.abs(score - own / (own + 1 - QUICK.mask.threshold)) < 1e-5, 'scores with the chain\'s own background score');
  });
  // On the left the chain says 3 and the network doubts it a little: the sum of both decides.
  const both = (network: number): Promise<{ mask: LabelMap }> => scoredMask(probabilities(), input(), presetWith({ plain: { ...chain, network } }), scg);
  assert.equal(at((await both(0.1)).mask, 0.1), 3);
  assert.equal(at((await both(2)).mask, 0.1), 0);
});

test('what the network says is cut to its limit', async () => {
  const { scores } = await scoredMask(probabilities(1 - 1e-9), input(), presetWith({ plain: { ...NETWORK, limit: 0.5 } }), scg);
  const highest = scores.data.reduce((a, b) => Math.max(a, b));
  assert.ok(Math.abs(highest - scoreOf(Math.exp(0.5), QUICK.mask.threshold)) < 1e-5, `${highest}`);
});

test('salience takes away what does not stand out, unless it shows nothing of the tag', async () => {
  const salience = (left: number, right: number): Maps => ({ data: Float32Array.of(left, left, right, right), channels: 1, height: 1, width: 4 });
  const preset = presetWith({ salient: { network: 1, chain: 0, shift: 0, saliency: 1 } });
  const even = { data: Float32Array.of(0.3, 0.3, 0.6, 0.1, 0.1, 0.6), channels: 3, height: 1, width: 2 };
  const masks = async (saliency: Maps): Promise<number[]> => {
    const { mask } = await scoredMask(even, input({ saliency }), preset, scg);
    return [0.1, 0.9].map(x => at(mask, x));
  };
  assert.deepEqual(await masks(salience(0.95, 0.95)), [3, 9]);
  // Half as salient as would be enough on the right: it is taken away there …
  assert.deepEqual(await masks(salience(0.95, 0.12)), [3, 0]);
  // … but not where there is nothing at all.
  assert.deepEqual(await masks(salience(0.95, 0)), [3, 9]);
});

test('looks at the mirrored photo and at the tags\' parts count', async () => {
  const looks: { area: number; mirrored: boolean }[] = [];
  const change = {
    saliency: { data: new Float32Array(4).fill(0.5), channels: 1, height: 2, width: 2 },
    lookCloser: ({ left, right, top, bottom }: { left: number; right: number; top: number; bottom: number }, mirrored = false): Promise<Maps> => {
      looks.push({ area: (right - left) * (bottom - top), mirrored });
      return Promise.resolve({ data: Float32Array.of(1), channels: 1, height: 1, width: 1 });
    },
  };
  const { scores } = await scoredMask(probabilities(1 / 3), input(change), presetWith({ salient: { network: 0, chain: 0, shift: 0, saliency: 1, looks: { ...presetWith().training?.masks.salient.looks ?? assert.fail(), grown: 1, largest: 0.8 } } }), scg);
  assert.deepEqual(looks.map(({ mirrored }) => mirrored), [true, false, false]);
  assert.equal(looks[0].area, 1);
  assert.ok(looks.slice(1).every(({ area }) => area < 0.8));
  // 0.75 of both whole looks, and a third of 1 within the part: odds of 5.
  const highest = scores.data.reduce((a, b) => Math.max(a, b));
  assert.ok(Math.abs(highest - scoreOf(5, QUICK.saliency.threshold)) < 1e-4, `${highest}`);
});

test('hints hold whatever the network says', async () => {
  const hints = { boxes: [{ id: 9, box: [24, 0, 6, 24] as [number, number, number, number] }], points: [{ id: 3, x: 2, y: 12 }, { id: 0, x: 18, y: 12 }], scribbles: [] };
  const { mask } = await scoredMask(probabilities(), input({ hints }), presetWith({ plain: NETWORK }), scg);
  assert.equal(mask.data[12 * WIDTH + 2], 3);
  assert.equal(mask.data[12 * WIDTH + 18], 0);
  assert.equal(mask.data[12 * WIDTH + 27], 9);
  for (let x = 31; x < WIDTH; x++) assert.notEqual(mask.data[12 * WIDTH + x], 9, 'outside of the box');
});

test('with the dense CRF, too, only the photo\'s tags', async () => {
  const { mask } = await scoredMask(probabilities(), input({ crf: true }), presetWith({ plain: NETWORK }), scg);
  assert.ok(mask.data.every(id => [0, 3, 9].includes(id)) && mask.data.includes(9));
});

test('probabilities of other tags, and presets that train nothing, are refused', async () => {
  await assert.rejects(scoredMask(probabilities(), input({ ids: [3] }), presetWith(), scg), /3 probabilities/);
  await assert.rejects(scoredMask(probabilities(), input(), QUICK, scg), /trains nothing/);
});
