import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { cropPhoto, readPhoto, resizePhoto, type Photo } from '../../src/engine/images';
import type { RgbImage } from '../../src/shared/maps';
import { png } from '../unit/dataset/pngMaker';
import { tempFolder } from '../unit/dataset/temp';

const OPTIONS = { maxMegapixels: 200, salvage: false };

async function read(t: TestContext, bytes: Uint8Array, options: Partial<typeof OPTIONS> = {}, name = 'photo.jpg'): Promise<Photo> {
  const root = await tempFolder(t, { [name]: bytes });
  return readPhoto(join(root, name), { ...OPTIONS, ...options, name });
}

async function refused(t: TestContext, bytes: Uint8Array, reason: string, message: RegExp, name = 'photo.jpg'): Promise<void> {
  await assert.rejects(read(t, bytes, {}, name), { name: 'SeedMaskError', reason, message, file: name });
}

const pixel = ({ data, width }: RgbImage, x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];

function near(actual: number[], expected: number[], tolerance = 3): void {
  assert.ok(actual.length === expected.length && actual.every((v, i) => Math.abs(v - expected[i]) <= tolerance), `${actual} is not near ${expected}`);
}

/** 3 x 2 corners that no two orientations share: red, green, blue above, white, black, yellow below. */
const CORNERS = Buffer.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 255, 0);
const corners = (): Sharp => sharp(CORNERS, { raw: { width: 3, height: 2, channels: 3 } });
const flat = (r: number, g: number, b: number, alpha?: number): Sharp =>
  sharp({ create: { width: 8, height: 8, channels: alpha === undefined ? 3 : 4, background: { r, g, b, alpha: alpha ?? 1 } } });

test('plain photos come out exactly, with size and hash of the file', async t => {
  const file = await corners().png().toBuffer();
  const photo = await read(t, file);
  assert.deepEqual([photo.width, photo.height, photo.image.width, photo.image.height], [3, 2, 3, 2]);
  assert.deepEqual(Buffer.from(photo.image.data), CORNERS);
  assert.equal(photo.sha256, createHash('sha256').update(file).digest('hex'));
});

test('all eight EXIF orientations are undone', async t => {
  const upright = (await read(t, await corners().png().toBuffer())).image;
  /** Where the upright pixel (x, y) lies in the stored picture, by EXIF's definition of each orientation. */
  const stored: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y], 2: (x, y) => [2 - x, y], 3: (x, y) => [2 - x, 1 - y], 4: (x, y) => [x, 1 - y],
    5: (x, y) => [y, x], 6: (x, y) => [y, 2 - x], 7: (x, y) => [1 - y, 2 - x], 8: (x, y) => [1 - y, x],
  };
  for (let orientation = 1; orientation <= 8; orientation++) {
    const [width, height] = orientation < 5 ? [3, 2] : [2, 3];
    const data = Buffer.alloc(18);
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 3; x++) {
        const [sx, sy] = stored[orientation](x, y);
        data.set(pixel(upright, x, y), (sy * width + sx) * 3);
      }
    }
    const file = await sharp(data, { raw: { width, height, channels: 3 } }).withMetadata({ orientation }).png().toBuffer();
    const photo = await read(t, file);
    assert.deepEqual([photo.width, photo.height], [3, 2], `orientation ${orientation}`);
    assert.deepEqual(photo.image, upright, `orientation ${orientation}`);
  }
});

test('formats, whatever the name says', async t => {
  for (const format of ['jpeg', 'webp', 'tiff', 'gif', 'avif'] as const) {
    const photo = await read(t, await flat(200, 50, 10).toFormat(format, { quality: 100 }).toBuffer(), {}, 'wrong.png');
    near(pixel(photo.image, 4, 4), [200, 50, 10], 6);
  }
  near(pixel((await read(t, await flat(200, 50, 10).jpeg({ progressive: true, quality: 100 }).toBuffer())).image, 0, 0), [200, 50, 10]);
});

test('CMYK, inverted by Adobe or not, becomes the same colours', async t => {
  for (const file of [await flat(120, 130, 110).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(), await flat(120, 130, 110).toColourspace('cmyk').tiff().toBuffer()]) {
    assert.equal((await sharp(file).metadata()).space, 'cmyk');
    near(pixel((await read(t, file)).image, 3, 3), [120, 130, 110], 8);
  }
});

test('an embedded profile is converted to sRGB', async t => {
  const file = await flat(200, 50, 10).withIccProfile('p3').png().toBuffer();
  assert.ok(file.includes('iCCP'));
  near(pixel((await read(t, file)).image, 0, 0), [200, 50, 10], 2);
});

test('16 bits are scaled over the full range, in colour and in grey', async t => {
  const colour = await sharp(Uint16Array.of(0, 32768, 65535), { raw: { width: 1, height: 1, channels: 3 } }).toColourspace('rgb16').png().toBuffer();
  assert.equal((await sharp(colour).metadata()).depth, 'ushort');
  near(pixel((await read(t, colour)).image, 0, 0), [0, 128, 255], 1);
  const grey = png({ width: 3, height: 1, depth: 16, colour: 0, samples: Uint16Array.of(0, 32768, 65535) });
  near([...(await read(t, grey)).image.data], [0, 0, 0, 128, 128, 128, 255, 255, 255], 1);
});

test('grey of 1, 2, 4 and 8 bits, interlaced too, becomes three equal channels', async t => {
  for (const depth of [1, 2, 4, 8]) {
    const top = (1 << depth) - 1;
    const file = png({ width: 2, height: 1, depth, colour: 0, samples: Uint8Array.of(0, top), interlaced: depth === 2 });
    assert.deepEqual([...(await read(t, file)).image.data], [0, 0, 0, 255, 255, 255], `${depth} bits`);
  }
});

test('transparency is laid on white: RGBA, grey + alpha, palette with tRNS', async t => {
  near(pixel((await read(t, await flat(200, 50, 10, 0.5).png().toBuffer())).image, 1, 1), [227, 152, 132], 1);
  near(pixel((await read(t, await flat(0, 0, 0, 0).png().toBuffer())).image, 1, 1), [255, 255, 255], 0);
  const greyAlpha = await sharp(Buffer.of(0, 0, 100, 255), { raw: { width: 2, height: 1, channels: 2 } }).toColourspace('b-w').png().toBuffer();
  assert.equal((await sharp(greyAlpha).metadata()).channels, 2);
  assert.deepEqual([...(await read(t, greyAlpha)).image.data], [255, 255, 255, 100, 100, 100]);
  const palette = await flat(10, 200, 30, 0).png({ palette: true }).toBuffer();
  assert.ok(palette.includes('tRNS') && palette.includes('PLTE'));
  near(pixel((await read(t, palette)).image, 1, 1), [255, 255, 255], 0);
});

test('the first picture of animations and of multi-page files', async t => {
  const frames = Buffer.concat([Buffer.alloc(4 * 4 * 3, 200), Buffer.alloc(4 * 4 * 3, 20)]);
  const animated = sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } });
  for (const file of [await animated.clone().gif().toBuffer(), await animated.clone().webp({ lossless: true }).toBuffer(), await animated.clone().tiff().toBuffer()]) {
    assert.equal((await sharp(file, { pages: -1 }).metadata()).pages, 2);
    const photo = await read(t, file);
    assert.deepEqual([photo.width, photo.height], [4, 4]);
    near(pixel(photo.image, 1, 1), [200, 200, 200], 1);
  }
});

test('1 x 1, 1 x N and 12,000 pixels wide', async t => {
  for (const [width, height] of [[1, 1], [1, 77], [12_000, 500]]) {
    const file = await sharp({ create: { width, height, channels: 3, background: '#6495ed' } }).jpeg({ quality: 100 }).toBuffer();
    const photo = await read(t, file);
    assert.deepEqual([photo.width, photo.height, photo.image.data.length], [width, height, width * height * 3]);
    near(pixel(photo.image, width - 1, height - 1), [0x64, 0x95, 0xed]);
  }
});

test('what is no photo is refused, with what it is', async t => {
  await refused(t, Buffer.alloc(0), 'bad-image', /empty/);
  await refused(t, Buffer.from('<!DOCTYPE html><html>404</html>'), 'bad-image', /HTML/);
  await refused(t, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'), 'bad-image', /SVG/);
  await refused(t, Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'bad-image', /Git LFS/);
  await refused(t, Buffer.from('BM' + 'x'.repeat(60), 'latin1'), 'bad-image', /BMP/);
  await refused(t, Buffer.alloc(5000), 'bad-image', /zeros/);
  await refused(t, Buffer.from('%PDF-1.7'), 'bad-image', /starts with 25504446/);
  await refused(t, Buffer.of(0xff, 0xd8, 0xff), 'bad-image', /cannot be decoded/);
});

test('missing files and folders', async t => {
  const root = await tempFolder(t, { 'd.jpg/x': '' });
  await assert.rejects(readPhoto(join(root, 'none.jpg'), OPTIONS), { reason: 'removed', file: join(root, 'none.jpg') });
  await assert.rejects(readPhoto(join(root, 'd.jpg'), { ...OPTIONS, name: 'd.jpg' }), { reason: 'bad-image', file: 'd.jpg' });
});

test('damaged files are refused, or salvaged when asked to', async t => {
  let seed = 1;
  const noise = Buffer.from(Uint8Array.from({ length: 200 * 200 * 3 }, () => (seed = (seed * 48271) % 0x7fffffff) >> 8));
  const source = sharp(noise, { raw: { width: 200, height: 200, channels: 3 } });
  for (const file of [await source.clone().jpeg({ quality: 95 }).toBuffer(), await source.clone().png().toBuffer()]) {
    const cut = file.subarray(0, Math.floor(file.length * 0.6));
    await refused(t, cut, 'bad-image', /cannot be decoded/);
    const photo = await read(t, cut, { salvage: true });
    assert.deepEqual([photo.width, photo.height], [200, 200]);
    near(pixel(photo.image, 2, 2), pixel((await read(t, file)).image, 2, 2), 0);
  }
  const crc = await source.clone().png().toBuffer();
  crc[crc.indexOf('IDAT') + 200] ^= 0xff;
  await refused(t, crc, 'bad-image', /cannot be decoded/);
});

test('bombs are refused by their header', async t => {
  const bomb = png({ width: 1, height: 1, depth: 8, colour: 0, samples: Uint8Array.of(0), claim: { width: 50_000, height: 50_000 }, body: deflateSync(Buffer.alloc(100_000)) });
  const before = process.memoryUsage().rss;
  await refused(t, bomb, 'too-large', /50000 x 50000 pixels.*200 megapixels/);
  assert.ok(process.memoryUsage().rss - before < 200e6);
  const small = await flat(1, 2, 3).png().toBuffer();
  await assert.rejects(read(t, small, { maxMegapixels: 0.00006 }), { reason: 'too-large' });
  assert.equal((await read(t, small, { maxMegapixels: 0.000064 })).width, 8);
});

/** One pixel, `bits` per sample of `format` (1 unsigned, 2 signed, 3 float), as an uncompressed little-endian TIFF. */
function tiff(channels: number, bits: number, format: number): Buffer {
  const size = channels * (bits / 8);
  const tags = [[256, 3, 1, 1], [257, 3, 1, 1], [258, 3, 1, bits], [259, 3, 1, 1], [262, 3, 1, 1], [273, 4, 1, 8], [277, 3, 1, channels], [278, 3, 1, 1], [279, 4, 1, size], [339, 3, 1, format]];
  const out = Buffer.alloc(8 + size + 2 + tags.length * 12 + 4);
  out.write('II*\0', 'latin1');
  out.writeUInt32LE(8 + size, 4);
  out.writeUInt16LE(tags.length, 8 + size);
  tags.forEach(([tag, type, count, value], i) => {
    const at = 10 + size + i * 12;
    out.writeUInt16LE(tag, at);
    out.writeUInt16LE(type, at + 2);
    out.writeUInt32LE(count, at + 4);
    out.writeUInt32LE(value, at + 8);
  });
  return out;
}

test('sample types and channels that need a window are refused, never shown black', async t => {
  await refused(t, tiff(1, 32, 3), 'bad-image', /float/, 'float.tif');
  await refused(t, tiff(1, 32, 1), 'bad-image', /uint/, 'uint.tif');
  await refused(t, tiff(1, 16, 2), 'bad-image', /short/, 'short.tif');
  assert.equal((await read(t, tiff(1, 16, 1))).width, 1);
});

test('resizing keeps flat colours and the mean, and does not alias', async t => {
  const stripes: RgbImage = { width: 64, height: 32, data: Uint8Array.from({ length: 64 * 32 * 3 }, (_, i) => (Math.floor(i / 3) % 2) * 255) };
  const small = await resizePhoto(stripes, 16, 8);
  assert.deepEqual([small.width, small.height, small.data.length], [16, 8, 16 * 8 * 3]);
  near(pixel(small, 8, 4), [128, 128, 128], 2);
  const big = await resizePhoto((await read(t, await flat(9, 99, 199).png().toBuffer())).image, 33, 17);
  assert.deepEqual([big.width, big.height], [33, 17]);
  near(pixel(big, 32, 16), [9, 99, 199], 0);
});

test('non-ASCII names, and a photo that changes has another hash', async t => {
  const root = await tempFolder(t);
  const path = join(root, '写真 é\u0301 %41.png');
  await writeFile(path, await flat(1, 2, 3).png().toBuffer());
  const first = await readPhoto(path, OPTIONS);
  await writeFile(path, await flat(3, 2, 1).png().toBuffer());
  assert.notEqual((await readPhoto(path, OPTIONS)).sha256, first.sha256);
});

test('a part of a photo is cut out by shares of its sides, at least one pixel', () => {
  const image = { width: 4, height: 2, data: Uint8Array.from({ length: 24 }, (_, i) => i) };
  assert.deepEqual(cropPhoto(image, { left: 0.25, top: 0.5, right: 0.75, bottom: 1 }), { width: 2, height: 1, data: Uint8Array.of(15, 16, 17, 18, 19, 20) });
  assert.deepEqual(cropPhoto(image, { left: 1, top: 1, right: 1, bottom: 1 }), { width: 1, height: 1, data: Uint8Array.of(21, 22, 23) });
  assert.deepEqual(cropPhoto(image, { left: 0, top: 0, right: 1, bottom: 1 }), image);
});
