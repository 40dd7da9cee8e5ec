/** Backbones of other kinds through the adapter, with the real runtime: a token model with registers and a channels-last CNN. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { backboneInput, decodeOutput } from '../../models/adapter';
import { cpuHost } from '../cpuHost';
import { tinyCnnBytes, tinyCnnSpec, tinyVit, tinyVitBytes, tinyVitSpec } from '../tinyModels';
import type { RgbImage } from '../../src/shared/maps';

const image = (width: number, height: number): RgbImage => ({ width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31) % 256) });

test('tokens become a map without the class token and the registers', async () => {
  const photo = image(12, 8);
  const runner = await cpuHost().open(tinyVitBytes);
  const results = await runner.run(backboneInput(tinyVitSpec, [photo]));
  await runner.release();
  const [map] = decodeOutput(tinyVitSpec, tinyVitSpec.outputs[0], results, photo);
  assert.deepEqual([map.channels, map.height, map.width], [8, 2, 3]);
  const weights = tinyVit.initializers[0].data;
  for (const [c, y, x] of [[0, 0, 0], [5, 1, 2], [7, 0, 1]]) {
    let expected = 0;
    for (let k = 0; k < 3; k++) {
      for (let dy = 0; dy < 4; dy++) {
        for (let dx = 0; dx < 4; dx++) {
          const pixel = photo.data[((y * 4 + dy) * 12 + x * 4 + dx) * 3 + k];
          expected += Number(weights[((c * 3 + k) * 4 + dy) * 4 + dx]) * ((pixel / 255 - 0.5) / 0.25);
        }
      }
    }
    assert.ok(Math.abs(map.data[(c * 2 + y) * 3 + x] - expected) < 1e-4);
  }
});

test('channels-last models and batches come out as the same kind of map', async () => {
  const photos = [image(6, 4), { ...image(6, 4), data: image(6, 4).data.map(p => 255 - p) }];
  const runner = await cpuHost().open(tinyCnnBytes);
  const results = await runner.run(backboneInput(tinyCnnSpec, photos));
  await runner.release();
  const maps = decodeOutput(tinyCnnSpec, tinyCnnSpec.outputs[0], results, photos[0]);
  assert.equal(maps.length, 2);
  maps.forEach((map, n) => {
    const at = (y: number, x: number, c: number): number => photos[n].data[(y * 6 + x) * 3 + c];
    const mean = (at(2, 4, 1) + at(2, 5, 1) + at(3, 4, 1) + at(3, 5, 1)) / 4;
    assert.ok(Math.abs(map.data[(1 * 2 + 1) * 3 + 2] - mean) < 1e-4);
  });
});
