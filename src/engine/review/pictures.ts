/**
 * Pictures of photos for a page: size and kind from the header, a preview where a browser cannot show the file itself, thumbnails. Files are untrusted: only formats
 * that `images.ts` reads reach the decoder, and their size is looked at before.
 */
import sharp, { type Metadata } from 'sharp';
import { SeedMaskError } from '../../shared/errors';
import type { RgbImage } from '../../shared/maps';
import { readPhotoFile } from '../images';

/** A photo's file with what its header says. */
export interface PhotoFile {
  bytes: Buffer;
  /** Of the oriented photo. */
  width: number;
  height: number;
  /** The page can load the file itself. */
  shown: boolean;
}

const MOST_PIXELS = 1_000_000_000;
const PREVIEW_SIDE = 4096;
/** What a browser loads into one picture. */
const BROWSER_PIXELS = 200_000_000;
const BROWSER_SIDE = 16_384;
const BROWSER_FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'gif']);
const SECONDS = 60;

/** @throws SeedMaskError 'bad-image', 'too-large', 'removed', 'io' */
export async function openPhotoFile(path: string, name: string): Promise<PhotoFile> {
  const bytes = await readPhotoFile(path, name);
  const header = await headerOf(bytes, name);
  const turned = (header.orientation ?? 1) >= 5;
  const [width, height] = turned ? [header.height, header.width] : [header.width, header.height];
  if (width * height > MOST_PIXELS) throw new SeedMaskError('too-large', `${width} x ${height} pixels are too many to be shown`, name);
  // HEIC carries the container of AVIF; a browser reads the latter alone.
  const format = BROWSER_FORMATS.has(header.format) || (header.format === 'heif' && header.compression === 'av1');
  const shown = format && header.space !== 'cmyk' && width * height <= BROWSER_PIXELS && Math.max(width, height) <= BROWSER_SIDE;
  return { bytes, width, height, shown };
}

/** JPEG of the oriented photo in sRGB, at most 4096 pixels a side. @throws SeedMaskError 'bad-image' */
export async function previewOf({ bytes }: PhotoFile, name: string): Promise<{ bytes: Uint8Array; type: string }> {
  const picture = await decoded(name, () => pipeline(bytes, PREVIEW_SIDE).jpeg({ quality: 90 }).toBuffer());
  return { bytes: exact(picture), type: 'image/jpeg' };
}

/** A small picture of a photo, 8-bit sRGB. @throws SeedMaskError 'bad-image', 'removed', 'io' */
export async function smallPicture(path: string, name: string, longSide: number): Promise<RgbImage> {
  const { bytes } = await openPhotoFile(path, name);
  const { data, info } = await decoded(name, () => pipeline(bytes, longSide).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }));
  return { data, width: info.width, height: info.height };
}

/** @returns a JPEG file */
export async function toJpeg({ data, width, height }: RgbImage): Promise<Uint8Array> {
  return exact(await sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 80 }).toBuffer());
}

function pipeline(bytes: Buffer, longSide: number): ReturnType<typeof sharp> {
  return sharp(bytes, { failOn: 'none', pages: 1, page: 0, limitInputPixels: MOST_PIXELS, autoOrient: true })
    .timeout({ seconds: SECONDS })
    .resize({ width: longSide, height: longSide, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb');
}

async function headerOf(bytes: Buffer, name: string): Promise<Metadata> {
  return decoded(name, () => sharp(bytes, { failOn: 'none', pages: 1, page: 0, limitInputPixels: false }).metadata());
}

async function decoded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();
    throw new SeedMaskError('bad-image', `cannot be decoded: ${message}`, name, { cause: error });
  }
}

/** In a buffer of its own and of its size, as a wire wants it. */
function exact(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
