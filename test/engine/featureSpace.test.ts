/** Feature spaces: main directions and projections as their formulas say, on the real runtime. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fitLayer, Moments, Projector } from '../../src/pipeline/featureSpace';
import { SeedMaskError } from '../../src/shared/errors';
import type { Maps } from '../../src/shared/maps';
import { createEngine } from '../../src/engine/engine';
import { DEFAULT_SETTINGS } from '../../src/shared/settings';
import type { OnnxHost } from '../../src/engine/session';

let host: OnnxHost;
before(async () => ({ host } = await createEngine().device({ ...DEFAULT_SETTINGS, device: 'cpu' })));
after(() => undefined);

/** 4 channels: the first swings by 10, the second by 3, the third by 1, the last is 5 everywhere. Independent of each other. */
function swings(): Maps {
  const data = new Float32Array(4 * 8 * 8);
  for (let cell = 0; cell < 64; cell++) {
    data[cell] = cell % 2 ? 10 : -10;
    data[64 + cell] = (cell >> 1) % 2 ? 3 : -3;
    data[128 + cell] = (cell >> 2) % 2 ? 1 : -1;
    data[192 + cell] = 5;
  }
  return { data, channels: 4, height: 8, width: 8 };
}
const all = (maps: Maps): number[] => Array.from({ length: maps.height * maps.width }, (_, cell) => cell);

async function fitted(whiten: boolean, dimensions: number) {
  const moments = new Moments(host, 4, false);
  await moments.add(swings(), all(swings()));
  return fitLayer(host, moments, { dimensions, whiten, weight: 1 });
}

test('main directions come in the order of how much they swing, what never changes is the mean', async () => {
  const { rows, mean, dimensions } = await fitted(false, 2);
  assert.equal(dimensions, 2);
  assert.deepEqual([...mean], [0, 0, 0, 5]);
  const [first, second] = [rows.subarray(0, 4), rows.subarray(4, 8)];
  assert.ok(Math.abs(Math.abs(first[0]) - 1) < 1e-4 && Math.abs(first[1]) < 1e-3);
  assert.ok(Math.abs(Math.abs(second[1]) - 1) < 1e-4 && Math.abs(second[0]) < 1e-3);
});

test('whitened, all directions count alike; vectors have length 1', async () => {
  const layer = await fitted(true, 3);
  const projector = new Projector(host, { layers: [layer], root: false });
  const out = await projector.project([swings()]);
  await projector.release();
  assert.deepEqual([out.channels, out.height, out.width], [3, 8, 8]);
  for (const cell of [0, 13, 63]) {
    for (let d = 0; d < 3; d++) assert.ok(Math.abs(Math.abs(out.data[d * 64 + cell]) - 1 / Math.sqrt(3)) < 1e-3, `${out.data[d * 64 + cell]}`);
  }
});

test('a grid of more cells than one block, and two layers with weights: as the formula', async () => {
  const layer = { channels: 1, dimensions: 1, rows: Float32Array.of(2), mean: Float32Array.of(1), weight: 1 };
  const projector = new Projector(host, { layers: [layer, { ...layer, weight: 0.5 }], root: true });
  const maps: Maps = { data: Float32Array.from({ length: 300 }, (_, i) => i % 7), channels: 1, height: 15, width: 20 };
  const { data } = await projector.project([maps, maps]);
  await projector.release();
  const length = Math.sqrt(1 + 0.25);
  maps.data.forEach((value, cell) => {
    const side = Math.sign(Math.sqrt(value) - 1);
    assert.ok(Math.abs(data[cell] - side / length) < 1e-5 && Math.abs(data[300 + cell] - (0.5 * side) / length) < 1e-5);
  });
});

test('features that are no numbers, and too few of them, are refused', async () => {
  const moments = new Moments(host, 4, false);
  const broken = swings();
  broken.data[70] = NaN;
  await assert.rejects(moments.add(broken, all(broken)), (error: unknown) => error instanceof SeedMaskError && error.reason === 'numeric');
  await assert.rejects(new Moments(host, 4, false).finish(), (error: unknown) => error instanceof SeedMaskError && error.reason === 'nothing-to-learn');
});
