/** Resizing: against torch, the fast version against the definition, and what must hold for any size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { areaMeans, resizeBilinear, resizeBilinearReference, resizeLabels, resizeNearest } from '../../../src/pipeline/resize';
import { fixture, reference } from '../../shared';
import { assertClose, fixtureMaps, randomMaps, type FixtureTensor } from './maps';

interface ResizeFixture {
  tolerance_abs: number;
  inputs: { x: FixtureTensor };
  cases: { size: [number, number]; mode: 'bilinear' | 'nearest'; align_corners: boolean | null; output: FixtureTensor }[];
}

test('equals torch', reference('spec/fixtures/resize_torch.json'), () => {
  const { inputs, cases, tolerance_abs } = fixture<ResizeFixture>('resize_torch.json');
  const maps = fixtureMaps(inputs.x);
  for (const { size, mode, align_corners, output } of cases) {
    const [height, width] = size;
    const options = { alignCorners: align_corners === true };
    const versions = mode === 'nearest' ? [resizeNearest(maps, height, width)] : [resizeBilinear, resizeBilinearReference].map(f => f(maps, height, width, options));
    for (const version of versions) assertClose(version, fixtureMaps(output), tolerance_abs);
  }
});

const size = fc.integer({ min: 1, max: 23 });

test('fast and plain bilinear agree on any two sizes', () => {
  fc.assert(
    fc.property(size, size, size, size, fc.boolean(), (h, w, height, width, alignCorners) => {
      const maps = randomMaps(2, h, w, h * 31 + w);
      assertClose(resizeBilinear(maps, height, width, { alignCorners }), resizeBilinearReference(maps, height, width, { alignCorners }), 1e-6);
    }),
  );
});

test('the own size changes nothing', () => {
  const maps = randomMaps(3, 7, 9, 1);
  for (const alignCorners of [true, false]) assert.deepEqual(resizeBilinear(maps, 7, 9, { alignCorners }), maps);
  assert.deepEqual(resizeNearest(maps, 7, 9), maps);
});

test('labels take nearest values only, as maps do', () => {
  fc.assert(
    fc.property(size, size, size, size, (h, w, height, width) => {
      const maps = randomMaps(1, h, w, h + 40 * w);
      const data = Uint8Array.from(maps.data, value => value * 256);
      const labels = resizeLabels({ data, height: h, width: w }, height, width);
      const asMaps = resizeNearest({ ...maps, data: Float32Array.from(data) }, height, width);
      assert.deepEqual(Array.from(labels.data), Array.from(asMaps.data));
    }),
  );
});

test('an empty size is refused', () => {
  assert.throws(() => resizeBilinear(randomMaps(1, 2, 2, 1), 0, 4), /2 x 2 into 0 x 4/);
  assert.throws(() => resizeLabels({ data: new Uint8Array(), height: 0, width: 3 }, 2, 2), /0 x 3/);
});

test('means over cells are those of torch\'s adaptive pooling', () => {
  const maps = { data: Float32Array.from({ length: 15 }, (_, i) => i * i), channels: 1, height: 3, width: 5 };
  // torch.nn.functional.adaptive_avg_pool2d((torch.arange(15.) ** 2).view(1, 3, 5), (2, 3))
  assertClose({ ...maps, data: areaMeans(maps, 2, 3).data, height: 2, width: 3 }, { ...maps, data: Float32Array.of(15.5, 27.1666667, 42.5, 70.5, 97.1666667, 127.5), height: 2, width: 3 }, 1e-4);
  // Cells smaller than pixels repeat these.
  assert.deepEqual([...areaMeans({ ...maps, data: maps.data.slice(0, 2), height: 1, width: 2 }, 2, 4).data], [0, 0, 1, 1, 0, 0, 1, 1]);
});
