import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { decodeMask, encodeMask } from '../../../src/dataset/maskFile';
import type { LabelMap } from '../../../src/shared/maps';
import { vocPalette } from '../../../src/shared/palette';
import { png, type TestPng } from './pngMaker';

const randomLabels: fc.Arbitrary<LabelMap> = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
  .chain(([width, height]) =>
    fc.uint8Array({ minLength: width * height, maxLength: width * height }).map(data => ({ data: new Uint8Array(data), width, height })));

const everyId: LabelMap = { data: Uint8Array.from({ length: 256 }, (_, i) => i), width: 16, height: 16 };

test('random masks come back exactly, and the bytes are the same each time', () => {
  fc.assert(fc.property(randomLabels, labels => {
    const file = encodeMask(labels);
    const read = decodeMask(file);
    assert.deepEqual(read, { labels, kind: 'indexed', reordered: false });
    assert.deepEqual(encodeMask(labels), file);
  }), { numRuns: 60 });
});

test('another reader sees an 8-bit palette PNG in VOC colours, for every id', async () => {
  const file = encodeMask(everyId);
  const meta = await sharp(file).metadata();
  assert.deepEqual([meta.format, meta.isPalette, meta.width, meta.height, meta.hasAlpha], ['png', true, 16, 16, false]);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  assert.deepEqual(new Uint8Array(data), vocPalette());
});

test('the palette has all 256 entries even when one id is used', () => {
  const file = Buffer.from(encodeMask({ data: new Uint8Array(6), width: 3, height: 2 }));
  const at = file.indexOf('PLTE');
  assert.equal(file.readUInt32BE(at - 4), 768);
  assert.deepEqual(new Uint8Array(file.subarray(at + 4, at + 772)), vocPalette());
  assert.equal(file.indexOf('tRNS'), -1);
});

test('a mask whose data does not fit its size is a bug, not a file', () => {
  assert.throws(() => encodeMask({ data: new Uint8Array(5), width: 2, height: 3 }), /cannot have 5 pixels/);
});

test('every depth of indexed and grey masks, plain and interlaced, every filter', () => {
  const depth = fc.constantFrom(1, 2, 4, 8);
  const size = fc.integer({ min: 1, max: 19 });
  fc.assert(fc.property(depth, size, size, fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 4 }), fc.infiniteStream(fc.nat()),
    (bits, width, height, interlaced, grey, filter, numbers) => {
      const samples = Uint8Array.from({ length: width * height }, () => (numbers.next().value as number) % (1 << bits));
      const file = png({ width, height, depth: bits, colour: grey ? 0 : 3, samples, interlaced, filter, palette: grey ? undefined : vocPalette().subarray(0, 3 << bits) });
      const read = decodeMask(file);
      assert.equal(read.kind, grey ? 'grey' : 'indexed');
      assert.deepEqual(read.labels, { data: samples, width, height });
    }), { numRuns: 200 });
});

test('masks that another encoder wrote: grey, RGB, RGBA, interlaced', async () => {
  const grey = sharp(everyId.data, { raw: { width: 16, height: 16, channels: 1 } }).toColourspace('b-w');
  for (const progressive of [false, true]) {
    const read = decodeMask(await grey.clone().png({ progressive }).toBuffer());
    assert.deepEqual(read, { labels: everyId, kind: 'grey', reordered: false });
  }
  const colours = sharp(vocPalette(), { raw: { width: 16, height: 16, channels: 3 } });
  for (const image of [colours.clone(), colours.clone().ensureAlpha()]) {
    const read = decodeMask(await image.png({ progressive: true, adaptiveFiltering: true }).toBuffer());
    assert.deepEqual(read, { labels: everyId, kind: 'rgb', reordered: false });
  }
});

test('a re-ordered palette is read by index, and said so', () => {
  const palette = Uint8Array.of(0, 0, 0, 0, 128, 0, 128, 0, 0);
  const read = decodeMask(png({ width: 3, height: 1, depth: 2, colour: 3, samples: Uint8Array.of(0, 1, 2), palette }));
  assert.deepEqual([...read.labels.data], [0, 1, 2]);
  assert.equal(read.reordered, true);
  const own = Uint8Array.of(0, 0, 0, 255, 255, 255);
  assert.equal(decodeMask(png({ width: 2, height: 1, depth: 1, colour: 3, samples: Uint8Array.of(0, 1), palette: own })).reordered, false);
});

test('16-bit grey is taken only while every value is an id', () => {
  const base = { width: 3, height: 1, depth: 16, colour: 0 } as const;
  assert.deepEqual([...decodeMask(png({ ...base, samples: Uint16Array.of(0, 7, 255) })).labels.data], [0, 7, 255]);
  assert.throws(() => decodeMask(png({ ...base, samples: Uint16Array.of(0, 256, 1) })), { reason: 'bad-mask', message: /256/ });
});

test('colours that are no ids are listed', async () => {
  const file = await sharp(Buffer.of(1, 2, 3, 128, 0, 0), { raw: { width: 2, height: 1, channels: 3 } }).png().toBuffer();
  assert.throws(() => decodeMask(file), { reason: 'bad-mask', message: /1 colours.*#010203/ });
});

test('damaged files are refused with the reason', () => {
  const good = Buffer.from(encodeMask(everyId));
  const refused = (bytes: Uint8Array, message: RegExp): void => assert.throws(() => decodeMask(bytes), { reason: 'bad-mask', message });
  refused(new Uint8Array(), /not a PNG/);
  refused(Buffer.from('<html>not here</html>'), /not a PNG/);
  for (let length = 8; length < good.length; length += 7) refused(good.subarray(0, length), /ends early/);
  for (const name of ['IHDR', 'PLTE', 'IDAT']) {
    const broken = Buffer.from(good);
    broken[broken.indexOf(name) + 6] ^= 1;
    refused(broken, new RegExp(`${name}.*CRC`));
  }
  assert.deepEqual(decodeMask(Buffer.concat([good, Buffer.from('trailing garbage')])).labels, everyId);
});

test('lying headers are refused before memory is taken', () => {
  const base: TestPng = { width: 2, height: 2, depth: 8, colour: 0, samples: Uint8Array.of(1, 2, 3, 4) };
  assert.throws(() => decodeMask(png({ ...base, claim: { width: 50_000, height: 50_000 } })), { reason: 'too-large', message: /50000 x 50000/ });
  assert.throws(() => decodeMask(png(base), 3), { reason: 'too-large' });
  assert.throws(() => decodeMask(png({ ...base, body: deflateSync(Buffer.alloc(20_000_000)) })), { reason: 'bad-mask', message: /unpacked/ });
  assert.throws(() => decodeMask(png({ ...base, body: deflateSync(Buffer.alloc(2)) })), { reason: 'bad-mask', message: /2 bytes of rows, 6 expected/ });
  assert.throws(() => decodeMask(png({ ...base, body: Buffer.from('not deflate') })), { reason: 'bad-mask', message: /unpacked/ });
  assert.throws(() => decodeMask(png({ ...base, depth: 4, colour: 2 })), { reason: 'bad-mask', message: /does not exist/ });
  assert.throws(() => decodeMask(png({ ...base, claim: { width: 0, height: 2 } })), { reason: 'bad-mask', message: /no pixels/ });
  assert.throws(() => decodeMask(png({ ...base, colour: 3 })), { reason: 'bad-mask', message: /without a palette/ });
  assert.throws(() => decodeMask(png({ ...base, colour: 3, palette: new Uint8Array(6) })), { reason: 'bad-mask', message: /outside the palette/ });
});
