/**
 * The feature cache: what comes back is what was written (in half precision), damaged files do not count, the oldest leave first.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { FeatureCache, type FeatureKey, type FeatureLayer } from '../../src/engine/featureCache';
import { fromFloat16, toFiniteFloat16, toFloat16 } from '../../src/shared/float16';

/** Half precision by definition: the nearest of all 65,536 values, ties to the even one. */
function nearestHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // The first value that rounds to infinity lies half a step above the largest.
  if (size >= 65520) return sign | 0x7c00;
  let [low, high] = [0, 0x7bff];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fromFloat16(Uint16Array.of(middle))[0] <= size) low = middle;
    else high = middle;
  }
  const [below, above] = fromFloat16(Uint16Array.of(low, high));
  const [down, up] = [size - below, above - size];
  return sign | (down < up || (down === up && low % 2 === 0) ? low : high);
}

test('half precision: every half survives', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = toFloat16(fromFloat16(all));
  for (const half of all) {
    const isNaN = (half & 0x7c00) === 0x7c00 && (half & 1023) !== 0;
    assert.equal(back[half], isNaN ? 0x7e00 : half);
  }
});

test('half precision: known values', () => {
  const cases: [number, number][] = [[0, 0], [-0, 0x8000], [1, 0x3c00], [-2, 0xc000], [65504, 0x7bff], [65519.996, 0x7bff], [65520, 0x7c00], [Infinity, 0x7c00], [-Infinity, 0xfc00], [NaN, 0x7e00], [2 ** -24, 1], [2 ** -25, 0], [2 ** -25 * 1.0001, 1], [2 ** -14, 0x400], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [1e-40, 0]];
  for (const [value, half] of cases) assert.equal(toFloat16(Float32Array.of(value))[0], half, String(value));
});

test('finite halves: what halves can hold is rounded, what is larger becomes the largest of them', () => {
  assert.deepEqual([...fromFloat16(toFiniteFloat16(Float32Array.of(1, 2049, 65519, 65520, 1e30, -65504, -1e6)))], [1, 2048, 65504, 65504, 65504, -65504, -65504]);
});

test('half precision: any float rounds to the nearest half, ties to even', () => {
  fc.assert(fc.property(fc.float(), value => assert.equal(toFloat16(Float32Array.of(value))[0], nearestHalf(value))), { numRuns: 2000 });
  fc.assert(fc.property(fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4) }), value => assert.equal(toFloat16(Float32Array.of(value))[0], nearestHalf(value))), { numRuns: 2000 });
});

const key = (photo: string): FeatureKey => ({ photo, model: 'm', view: { size: 384, flip: false } });
const layers = (fill = 0.5, length = 1000): FeatureLayer[] => [
  { name: 'deep', dims: [1, length / 10, 10], halves: toFloat16(new Float32Array(length).fill(fill)) },
  { name: 'empty', dims: [0, 4], halves: new Uint16Array(0) },
];

function place(): { root: string; files: () => string[] } {
  const root = mkdtempSync(join(tmpdir(), 'seedmask-'));
  const folder = join(root, '.seedmask/cache/features');
  return { root, files: () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name)) };
}

test('what was written is read; other keys miss', async () => {
  const { root } = place();
  const cache = new FeatureCache(root, 1e6);
  assert.equal(await cache.read(key('a')), undefined);
  assert.equal(await cache.write(key('a'), layers(0.25)), true);
  assert.deepEqual(await new FeatureCache(root, 1e6).read(key('a')), layers(0.25));
  assert.equal(await cache.read(key('b')), undefined);
  assert.equal(await cache.read({ ...key('a'), view: { size: 384, flip: true } }), undefined);
  assert.deepEqual(await cache.read({ ...key('a'), view: { flip: false, size: 384 } }), layers(0.25), 'the order of the view is no part of it');
});

test('cut, padded and altered files are misses and vanish', async () => {
  for (const damage of [
    (file: string) => truncateSync(file, statSync(file).size - 1),
    (file: string) => truncateSync(file, 5),
    (file: string) => truncateSync(file, 0),
    (file: string) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(2)])),
    (file: string) => {
      const bytes = readFileSync(file);
      bytes[bytes.length - 3] ^= 4;
      writeFileSync(file, bytes);
    },
    (file: string) => {
      const bytes = readFileSync(file);
      bytes[10] = 0;
      writeFileSync(file, bytes);
    },
  ]) {
    const { root, files } = place();
    const cache = new FeatureCache(root, 1e6);
    await cache.write(key('a'), layers());
    damage(files()[0]);
    assert.equal(await cache.read(key('a')), undefined);
    assert.equal(files().length, 0);
    await cache.write(key('a'), layers());
    assert.ok(await cache.read(key('a')));
  }
});

test('above the limit the least recently used go, and the rest fits', async () => {
  const { root, files } = place();
  const cache = new FeatureCache(root, 10_500);
  for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
    await cache.write(key(name), layers(i));
    for (const file of files()) if (Date.now() - statSync(file).mtimeMs < 10_000) utimesSync(file, 1000 + i, 1000 + i);
  }
  await cache.read(key('a'));
  await cache.write(key('e'), layers(5));
  await cache.write(key('f'), layers(6));
  assert.ok(await cache.read(key('a')), 'used a moment ago');
  assert.ok(await cache.read(key('f')), 'the newest');
  assert.equal(await cache.read(key('b')), undefined);
  assert.ok(files().reduce((sum, file) => sum + statSync(file).size, 0) <= 10_500);
});

test('a limit of zero keeps nothing; a place that cannot be written to is no failure', async () => {
  const { root } = place();
  assert.equal(await new FeatureCache(root, 0).write(key('a'), layers()), false);
  writeFileSync(join(root, 'file'), '');
  const nowhere = new FeatureCache(join(root, 'file'), 1e6);
  assert.equal(await nowhere.write(key('a'), layers()), false);
  assert.equal(await nowhere.read(key('a')), undefined);
  assert.equal(await nowhere.clear(), 0);
});

test('clear tells what it freed', async () => {
  const { root, files } = place();
  const cache = new FeatureCache(root, 1e6);
  await cache.write(key('a'), layers());
  await cache.write(key('b'), layers());
  const bytes = files().reduce((sum, file) => sum + statSync(file).size, 0);
  assert.equal(await cache.clear(), bytes);
  assert.equal(await cache.read(key('a')), undefined);
  assert.equal(await cache.write(key('a'), layers()), true, 'and serves on');
});

test('two caches on one folder do not disturb each other', async () => {
  const { root } = place();
  const caches = [new FeatureCache(root, 30_000), new FeatureCache(root, 30_000)];
  await Promise.all(Array.from({ length: 60 }, async (_, i) => {
    await caches[i % 2].write(key(`photo ${i % 20}`), layers(i % 20));
    const found = await caches[(i + 1) % 2].read(key(`photo ${i % 20}`));
    if (found) assert.deepEqual(found, layers(i % 20));
  }));
});
