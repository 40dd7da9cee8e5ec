/**
 * Photos as 8-bit sRGB pixels. Files are untrusted: the first bytes must be those of a known format (whatever the name
 * says), the header's size is checked before pixels are allocated, and decoding runs in sharp's own threads.
 *
 * Rules: EXIF orientation is applied, once, here; embedded colour profiles and CMYK are converted to sRGB; 16 bits are
 * scaled to 8 over the full range; grey becomes three equal channels; transparency is laid on white; of animations and
 * multi-page files the first picture is taken; other sample types (float, 32-bit, signed) and more than four channels are
 * refused, since showing them needs a window nobody has named.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { SeedMaskError, describeError } from '../shared/errors';
import type { RgbImage } from '../shared/maps';

export interface ReadOptions {
  /** Photos of more pixels are refused, in millions. */
  maxMegapixels: number;
  /** Take what can be decoded of damaged files (missing parts come out grey or black) instead of refusing them. */
  salvage: boolean;
  /** What errors call the file; default: its path. */
  name?: string;
}

export interface Photo {
  image: RgbImage;
  /** Of the oriented photo: the size its mask has. */
  width: number;
  height: number;
  /** Of the file's bytes, the very ones that were decoded. */
  sha256: string;
}

/** Compressed files above this are refused unread: 2 GB. */
const MAX_FILE_BYTES = 2 ** 31;
const DECODE_SECONDS = 120;
const DEPTHS: ReadonlySet<string> = new Set(['uchar', 'ushort']);

sharp.cache(false);

/**
 * @throws SeedMaskError 'bad-image' (not a photo, damaged, a format or sample type that is not read), 'too-large',
 * 'removed' (no such file) or 'io'; each names the file.
 */
export async function readPhoto(path: string, options: ReadOptions): Promise<Photo> {
  const name = options.name ?? path;
  const bytes = await readPhotoFile(path, name);
  const image = await decode(bytes, name, options);
  return { image, width: image.width, height: image.height, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The bytes of a file that may be a photo, by its first ones. @throws as readPhoto does. */
export async function readPhotoFile(path: string, name: string): Promise<Buffer> {
  const bytes = await readBytes(path, name);
  const problem = whyNotPhoto(bytes);
  if (problem) throw new SeedMaskError('bad-image', problem, name);
  return bytes;
}

/** The size that the mask of a photo has, from the file's header alone. @throws SeedMaskError 'bad-image', 'removed', 'io' */
export async function photoSize(path: string, name: string = path): Promise<{ width: number; height: number }> {
  const bytes = await readBytes(path, name);
  const problem = whyNotPhoto(bytes);
  if (problem) throw new SeedMaskError('bad-image', problem, name);
  try {
    const { autoOrient } = await sharp(bytes, { failOn: 'none', pages: 1, page: 0, limitInputPixels: false }).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) {
    throw new SeedMaskError('bad-image', `its header cannot be read: ${describeError(error)}`, name, { cause: error });
  }
}

/** The part of a photo that `box` (in shares of its sides) names, at least one pixel. */
export function cropPhoto(image: RgbImage, box: { left: number; top: number; right: number; bottom: number }): RgbImage {
  const x = Math.min(image.width - 1, Math.round(box.left * image.width));
  const y = Math.min(image.height - 1, Math.round(box.top * image.height));
  const width = Math.max(1, Math.round(box.right * image.width) - x);
  const height = Math.max(1, Math.round(box.bottom * image.height) - y);
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 3;
    data.set(image.data.subarray(start, start + width * 3), row * width * 3);
  }
  return { data, width, height };
}

/** The photo at `width` x `height`, by Lanczos (windowed over the source when shrinking, so nothing aliases). Proportions are the caller's. */
export async function resizePhoto(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  const raw = { width: image.width, height: image.height, channels: 3 as const };
  const { data } = await sharp(image.data, { raw, limitInputPixels: false })
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: view(data), width, height };
}

async function readBytes(path: string, name: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new SeedMaskError('bad-image', 'is not a file', name);
      if (stat.size > MAX_FILE_BYTES) throw new SeedMaskError('too-large', `the file has ${stat.size} bytes; the limit is ${MAX_FILE_BYTES}`, name);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') throw new SeedMaskError('removed', 'the photo is not there any more', name, { cause: error });
    throw new SeedMaskError('io', `cannot be read (${code})`, name, { cause: error });
  }
}

/** Why these bytes are no photo, by their first ones; nothing if they may be one. Only formats named here reach the decoder. */
function whyNotPhoto(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, 16);
  const starts = (...marks: string[]): boolean => marks.some(mark => head.startsWith(mark));
  if (bytes.length === 0) return 'the file is empty';
  if (starts('\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF87a', 'GIF89a', 'II*\0', 'MM\0*', 'II+\0', 'MM\0+')) return undefined;
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return undefined;
  if (/^(avif|avis|heic|heix|mif1|msf1)$/.test(head.slice(8, 12)) && head.slice(4, 8) === 'ftyp') return undefined;
  if (starts('BM')) return 'BMP files are not read: save it as PNG';
  if (bytes.subarray(0, 64).every(byte => byte === 0)) return 'the file holds zeros only, not a photo';
  const text = bytes.toString('utf8', 0, 512).replace(/^\ufeff/, '').trimStart().toLowerCase();
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'the file is an HTML page, not a photo';
  if (text.startsWith('<svg') || text.startsWith('<?xml')) return 'the file is SVG or XML, not a photo';
  if (text.startsWith('version https://git-lfs')) return 'the file is a Git LFS pointer, not the photo itself';
  return `not a photo format that is read (starts with ${bytes.toString('hex', 0, 8)})`;
}

async function decode(bytes: Buffer, name: string, options: ReadOptions): Promise<RgbImage> {
  const maxPixels = Math.round(options.maxMegapixels * 1e6);
  const input = { failOn: options.salvage ? 'none' : 'error', pages: 1, page: 0 } as const;
  try {
    const header = await sharp(bytes, { ...input, limitInputPixels: false }).metadata();
    const { width, height, channels, depth } = header;
    if (width * height > maxPixels) {
      throw new SeedMaskError('too-large', `${width} x ${height} pixels are over the limit of ${options.maxMegapixels} megapixels`, name);
    }
    if (!DEPTHS.has(depth)) throw new SeedMaskError('bad-image', `samples of type ${depth} are not read: save it with 8 or 16 bits`, name);
    const colours = header.space === 'cmyk' ? 5 : 4;
    if (channels > colours) throw new SeedMaskError('bad-image', `${channels} channels are not a photo`, name);
    const { data, info } = await sharp(bytes, { ...input, limitInputPixels: maxPixels, autoOrient: true })
      .timeout({ seconds: DECODE_SECONDS })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new SeedMaskError('bad-image', `decoded to ${info.channels} channels`, name);
    return { data: view(data), width: info.width, height: info.height };
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();
    throw new SeedMaskError('bad-image', `cannot be decoded: ${message}`, name, { cause: error });
  }
}

function view(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
