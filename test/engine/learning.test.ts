/** Learning tags from pooled features, on the real runtime: what is learnt, how sure it is, and that scales and orders do not matter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUICK, type Preset } from '../../models/presets';
import { camLayers, learnTags, PooledFeatures, type LearningInput, type Learnt } from '../../src/engine/learning';
import type { PhotoFeatures, Role } from '../../src/engine/photoFeatures';
import { tagCam } from '../../src/pipeline/tagCam';
import { SeedMaskError } from '../../src/shared/errors';
import { plane, type Maps } from '../../src/shared/maps';
import { cpuHost } from '../cpuHost';

const CHANNELS = 6;
const SIDE = 4;

/** Photo `i`: channel c is high in quarter c of the picture where the photo has thing c; a little of everything elsewhere. */
function photo(i: number, things: readonly number[], scale: readonly number[] = Array<number>(CHANNELS).fill(1)): PhotoFeatures {
  const data = new Float32Array(CHANNELS * SIDE * SIDE);
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const quarter = 2 * Number(y >= SIDE / 2) + Number(x >= SIDE / 2);
        const noise = 0.1 + 0.1 * Math.abs(Math.sin(i * 12.9898 + c * 78.233 + y * 3.1 + x * 1.7));
        data[(c * SIDE + y) * SIDE + x] = scale[c] * (noise + (things.includes(c) && quarter === c ? 1 : 0));
      }
    }
  }
  const maps: Maps = { data, channels: CHANNELS, height: SIDE, width: SIDE };
  return { layers: new Map<Role, Maps[]>([['deep', [maps]], ['middle', [maps]]]) };
}

const NAMES = ['zorb', 'quux', 'florp'];

/** Photos in turn with zorb, quux, both and nothing; `more` come behind. */
function dataSet(count: number, scale?: readonly number[], more: readonly (readonly number[])[] = []): { things: (readonly number[])[]; features: PhotoFeatures[]; input: LearningInput } {
  const things = [...Array.from({ length: count }, (_, i) => [[0], [1], [0, 1], []][i % 4]), ...more];
  const features = things.map((present, i) => photo(i, present, scale));
  const pooled = new PooledFeatures();
  features.forEach((one, i) => pooled.add(`${i}.jpg`, one));
  const tags = new Map(things.map((present, i) => [`${i}.jpg`, present.map(c => NAMES[c])]));
  return { things, features, input: { pooled, tags, classes: NAMES.slice(0, Math.max(...things.flat()) + 1), signal: new AbortController().signal } };
}

const learn = (input: LearningInput, preset: Preset = QUICK): Promise<Learnt> => learnTags(cpuHost(), input, preset);

const cams = (features: PhotoFeatures, learnt: Learnt, tags: readonly string[]): Maps => tagCam(camLayers(features, learnt, tags));

/** The quarter of the picture in which a map has most. */
function peak(map: Float32Array): number {
  const sums = [0, 0, 0, 0];
  map.forEach((value, i) => (sums[2 * Number(i >= (SIDE * SIDE) / 2) + Number(i % SIDE >= SIDE / 2)] += value));
  return sums.indexOf(Math.max(...sums));
}

test('pooled features: mean by photo, root mean square by channel over all', () => {
  const maps = (...data: number[]): Maps => ({ data: Float32Array.from(data), channels: 2, height: 1, width: 2 });
  const pooled = new PooledFeatures();
  pooled.add('a', { layers: new Map([['deep', [maps(1, 3, 0, 4), maps(9, 9, 9, 9)]]]) });
  pooled.add('b', { layers: new Map([['deep', [maps(5, 5, 0, 0)]]]) });
  assert.deepEqual([pooled.photos, pooled.roles()], [['a', 'b'], ['deep']]);
  const rms = pooled.rms('deep');
  [Math.sqrt((1 + 9 + 25 + 25) / 4), Math.sqrt(16 / 4)].forEach((value, c) => assert.ok(Math.abs(rms[c] - value) < 1e-6));
  assert.deepEqual([...pooled.matrix('deep', Float32Array.of(2, 4))], [1, 0.5, 2.5, 0]);
});

test('each tag is found where it is, also in photos that hold both', async () => {
  const { features, things, input } = dataSet(16);
  const learnt = await learn(input);
  assert.deepEqual(learnt.heads.map(({ role }) => role), ['deep', 'middle']);
  features.forEach((one, i) => {
    const maps = cams(one, learnt, things[i].map(c => NAMES[c]));
    things[i].forEach((c, k) => assert.equal(peak(plane(maps, k)), c, `photo ${i}`));
  });
});

test('the heads of a photo come in the order of its tags', async () => {
  const { features, input } = dataSet(16);
  const learnt = await learn(input);
  const there = cams(features[2], learnt, ['zorb', 'quux']);
  const back = cams(features[2], learnt, ['quux', 'zorb']);
  assert.deepEqual([plane(back, 0), plane(back, 1)], [plane(there, 1), plane(there, 0)]);
});

test('channels of any scale: the same maps', async () => {
  const scale = [1, 100, 0.01, 5, 1000, 1];
  const plain = dataSet(12);
  const scaled = dataSet(12, scale);
  const [a, b] = [await learn(plain.input), await learn(scaled.input)];
  const [one, other] = [cams(plain.features[2], a, ['zorb', 'quux']), cams(scaled.features[2], b, ['zorb', 'quux'])];
  one.data.forEach((value, i) => assert.ok(Math.abs(value - other.data[i]) < 0.02, `${value} and ${other.data[i]}`));
});

test('sureness is judged by heads that did not see the photo: high where the tag is there, low where it is a mistake', async () => {
  // The last photo is said to show a quux, and shows nothing.
  const { input, things } = dataSet(20, undefined, [[]]);
  input.tags = new Map([...input.tags, ['20.jpg', ['quux']]]);
  const { sureness, classes } = await learn(input, { ...QUICK, learning: { ...QUICK.learning, heads: QUICK.learning.heads.map(head => ({ ...head, decay: 1e-4 })) } });
  assert.deepEqual([...sureness.keys()].sort(), [...input.tags.keys()].sort());
  const quux = classes.indexOf('quux');
  for (const values of sureness.values()) assert.ok(values.every(value => value > 0 && value < 1));
  const lowest = Math.min(...things.flatMap((present, i) => (present.includes(quux) ? [sureness.get(`${i}.jpg`)?.[quux] ?? 0] : [])));
  assert.ok((sureness.get('20.jpg')?.[quux] ?? 1) < lowest, `${sureness.get('20.jpg')?.[quux]} against ${lowest}`);
});

test('one photo: heads, but nobody to judge them', async () => {
  const { input, features } = dataSet(1);
  const learnt = await learn(input);
  assert.equal(learnt.sureness.size, 0);
  assert.equal(peak(cams(features[0], learnt, ['zorb']).data), 0);
});

test('a class of few photos has a head on the first layer, and none on the others', async () => {
  const { input } = dataSet(12, undefined, [[2]]);
  const { heads } = await learn(input);
  assert.deepEqual(heads.map(({ has }) => has), [[true, true, true], [true, true, false]]);
});

test("a warm start: the classifier's rows lead where the photos say little", async () => {
  const { input, features } = dataSet(1);
  // What the classifier calls a zorb: channel 3, which the one photo says nothing of.
  const weights = new Float32Array(3 * CHANNELS);
  weights[1 * CHANNELS + 3] = 30;
  const classifier = { weights, bias: new Float32Array(3), labels: ['background', 'zorb', 'stone'], channels: CHANNELS };
  const [deep, middle] = (await learn({ ...input, classifier })).heads;
  const [cold] = (await learn(input)).heads;
  assert.ok(deep.weights[3] > 10 * Math.abs(cold.weights[3]), `${deep.weights[3]} and ${cold.weights[3]}`);
  assert.ok(Math.abs(middle.weights[3]) < 1, 'the classifier knows the deepest layer only');
  const { heads: [switchedOff] } = await learn({ ...input, classifier }, { ...QUICK, learning: { ...QUICK.learning, warmStart: false } });
  assert.deepEqual(switchedOff.weights, cold.weights);
  const { heads: [otherBackbone] } = await learn({ ...input, classifier: { ...classifier, channels: 3, weights: new Float32Array(9) } });
  assert.deepEqual(otherBackbone.weights, cold.weights);
  assert.equal(features.length, 1);
});

test('the same data learn the same heads', async () => {
  const [a, b] = [await learn(dataSet(9).input), await learn(dataSet(9).input)];
  assert.deepEqual(a, b);
});

test('nothing to learn from, and a cancel, are said', async () => {
  const { input } = dataSet(4);
  const because = (reason: string) => (error: unknown): boolean => error instanceof SeedMaskError && error.reason === reason;
  await assert.rejects(learn({ ...input, pooled: new PooledFeatures() }), because('nothing-to-learn'));
  await assert.rejects(learn({ ...input, classes: [] }), because('nothing-to-learn'));
  await assert.rejects(learn({ ...input, signal: AbortSignal.abort() }), because('cancelled'));
});
