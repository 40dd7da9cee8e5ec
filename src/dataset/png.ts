/**
 * The PNG container, as far as masks need it: chunks with their CRC, inflate, row filters, Adam7, every colour type and
 * depth, samples exactly as stored (no gamma, no palette look-up, no scaling). Image libraries expand or re-order palettes,
 * so class ids do not survive them; this reader keeps them. Source: PNG specification, third edition (W3C).
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { SeedMaskError } from '../shared/errors';

export const COLOUR = { grey: 0, rgb: 2, indexed: 3, greyAlpha: 4, rgba: 6 } as const;
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** x offset, y offset, x step, y step of Adam7's seven passes. */
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] as const;
const WHOLE = [[0, 0, 1, 1]] as const;

export interface PngHeader {
  width: number;
  height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  depth: number;
  /** One of COLOUR. */
  colour: number;
  interlaced: boolean;
}

export interface PngSamples extends PngHeader {
  channels: number;
  /** `samples[(y * width + x) * channels + c]`, 0 .. 2^depth - 1. */
  samples: Uint8Array | Uint16Array;
  /** RGB triples, or nothing where the file has none. */
  palette?: Uint8Array;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/**
 * An 8-bit PNG of one channel: indexed where `palette` (RGB triples, all of which are written) is given, else grey.
 * `values` is row-major. Same input, same bytes (with the same zlib). Rows are stored unfiltered: label maps are runs, and
 * on real masks filtering "up" made the data 1.4 times as large (1.1 times when done for repeated rows only).
 */
export function encodePng(values: Uint8Array, width: number, height: number, palette?: Uint8Array): Uint8Array {
  const raw = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) raw.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, palette ? COLOUR.indexed : COLOUR.grey, 0, 0, 0], 8);
  const body = deflateSync(raw, { level: 9, memLevel: 9 });
  const chunks = [chunk('IHDR', header), ...(palette ? [chunk('PLTE', palette)] : []), chunk('IDAT', body), chunk('IEND', new Uint8Array())];
  return new Uint8Array(Buffer.concat([SIGNATURE, ...chunks]));
}

function bad(message: string): never {
  throw new SeedMaskError('bad-mask', message);
}

function readHeader(data: Buffer): PngHeader {
  if (data.length !== 13) bad('PNG header has a wrong length');
  const [depth, colour, compression, filter, interlace] = data.subarray(8);
  if (!DEPTHS[colour]?.includes(depth)) bad(`PNG has colour type ${colour} at ${depth} bits, which does not exist`);
  if (compression !== 0 || filter !== 0 || interlace > 1) bad('PNG uses an unknown compression, filter or interlace method');
  const header = { width: data.readUInt32BE(0), height: data.readUInt32BE(4), depth, colour, interlaced: interlace === 1 };
  if (header.width === 0 || header.height === 0) bad('PNG has no pixels');
  return header;
}

/** The sub-images that rows are stored as: one, or Adam7's (empty ones are left out of the file). */
function passes(header: PngHeader): { x0: number; y0: number; dx: number; dy: number; width: number; height: number; rowBytes: number }[] {
  const bits = header.depth * CHANNELS[header.colour];
  return (header.interlaced ? ADAM7 : WHOLE)
    .map(([x0, y0, dx, dy]) => {
      const width = Math.max(0, Math.ceil((header.width - x0) / dx));
      const height = Math.max(0, Math.ceil((header.height - y0) / dy));
      return { x0, y0, dx, dy, width, height, rowBytes: Math.ceil((width * bits) / 8) };
    })
    .filter(pass => pass.width > 0 && pass.height > 0);
}

/** Undoes the row filter `type` in place; `previous` is the row above after its own filter was undone (zeros at first). */
function unfilter(type: number, row: Uint8Array, previous: Uint8Array, pixelBytes: number): void {
  for (let i = 0; i < row.length; i++) {
    const left = i >= pixelBytes ? row[i - pixelBytes] : 0;
    const up = previous[i];
    if (type === 1) row[i] += left;
    else if (type === 2) row[i] += up;
    else if (type === 3) row[i] += (left + up) >> 1;
    else row[i] += paeth(left, up, i >= pixelBytes ? previous[i - pixelBytes] : 0);
  }
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - upLeft)];
  return a <= b && a <= c ? left : b <= c ? up : upLeft;
}

/** Splits one row of packed samples (most significant first) and hands each to `put`. */
function unpack(row: Uint8Array, depth: number, count: number, put: (index: number, sample: number) => void): void {
  const top = (1 << depth) - 1;
  for (let i = 0; i < count; i++) {
    if (depth === 8) put(i, row[i]);
    else if (depth === 16) put(i, (row[2 * i] << 8) | row[2 * i + 1]);
    else put(i, (row[(i * depth) >> 3] >> (8 - depth - ((i * depth) & 7))) & top);
  }
}

interface Chunks {
  header: PngHeader;
  palette?: Uint8Array;
  compressed: Buffer;
}

/** Walks the chunks: checks CRCs and order, and the pixel limit before anything is allocated for pixels. */
function readChunks(file: Buffer, maxPixels: number): Chunks {
  if (file.length < 8 || Buffer.compare(file.subarray(0, 8), SIGNATURE) !== 0) bad('not a PNG file');
  let header: PngHeader | undefined;
  let palette: Uint8Array | undefined;
  const data: Buffer[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > file.length) bad(`PNG ends early (byte ${file.length})`);
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    if (end > file.length) bad(`PNG ends early inside chunk ${JSON.stringify(type)} (byte ${at})`);
    if (crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4)) bad(`PNG chunk ${JSON.stringify(type)} at byte ${at} is damaged (CRC)`);
    const body = file.subarray(at + 8, end - 4);
    if (!header && type !== 'IHDR') bad('PNG does not start with its header');
    if (type === 'IHDR') {
      if (header) bad('PNG has two headers');
      header = readHeader(body);
      if (header.width * header.height > maxPixels) {
        throw new SeedMaskError('too-large', `mask of ${header.width} x ${header.height} pixels is over the limit of ${maxPixels}`);
      }
    } else if (type === 'PLTE') {
      if (palette || data.length > 0 || length === 0 || length % 3 !== 0 || length > 768) bad('PNG has a wrong palette');
      palette = new Uint8Array(body);
    } else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND') break;
    else if (/^[A-Z]/.test(type)) bad(`PNG has an unknown chunk ${JSON.stringify(type)}`);
    at = end;
  }
  if (!header || data.length === 0) bad('PNG has no pixel data');
  if (header.colour === COLOUR.indexed && !palette) bad('indexed PNG without a palette');
  return { header, palette, compressed: Buffer.concat(data) };
}

/**
 * Reads any PNG's samples. `maxPixels` bounds what is allocated.
 * @throws SeedMaskError 'bad-mask' (not a PNG, damaged, too much or too little data), 'too-large'.
 */
export function decodePng(bytes: Uint8Array, maxPixels: number): PngSamples {
  const { header, palette, compressed } = readChunks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), maxPixels);
  const subImages = passes(header);
  const size = subImages.reduce((sum, pass) => sum + pass.height * (pass.rowBytes + 1), 0);
  let raw: Uint8Array;
  try {
    raw = inflateSync(compressed, { maxOutputLength: size });
  } catch (error) {
    throw new SeedMaskError('bad-mask', `PNG data cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`, undefined, { cause: error });
  }
  if (raw.length !== size) bad(`PNG holds ${raw.length} bytes of rows, ${size} expected`);

  const channels = CHANNELS[header.colour];
  const count = header.width * header.height * channels;
  const samples = header.depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
  const pixelBytes = Math.max(1, (header.depth * channels) >> 3);
  let at = 0;
  for (const pass of subImages) {
    let previous: Uint8Array = new Uint8Array(pass.rowBytes);
    for (let line = 0; line < pass.height; line++) {
      const type = raw[at];
      const row = raw.subarray(at + 1, at + 1 + pass.rowBytes);
      if (type > 4) bad(`PNG row ${line} has an unknown filter ${type}`);
      if (type > 0) unfilter(type, row, previous, pixelBytes);
      const rowStart = (pass.y0 + line * pass.dy) * header.width + pass.x0;
      if (pass.dx === 1 && header.depth === 8) samples.set(row, rowStart * channels);
      else {
        unpack(row, header.depth, pass.width * channels, (i, sample) => {
          const x = Math.floor(i / channels);
          samples[(rowStart + x * pass.dx) * channels + (i - x * channels)] = sample;
        });
      }
      previous = row;
      at += pass.rowBytes + 1;
    }
  }
  return { ...header, channels, samples, palette };
}
