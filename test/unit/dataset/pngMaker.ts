/** Writes PNGs of any colour type, depth, filter and interlace for tests, in its own way: independent of the code under test. */
import { deflateSync } from 'node:zlib';

export interface TestPng {
  width: number;
  height: number;
  depth: number;
  colour: number;
  /** One channel only. */
  samples: Uint8Array | Uint16Array;
  palette?: Uint8Array;
  interlaced?: boolean;
  filter?: number;
  /** What the header says instead of the truth. */
  claim?: { width: number; height: number };
  /** Raw pixel data instead of the right one. */
  body?: Uint8Array;
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = (value >>> 1) ^ (0xedb88320 * (value & 1));
  }
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(typed));
  return Buffer.concat([length, typed, sum]);
}

function predict(filter: number, a: number, b: number, c: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return a;
  if (filter === 2) return b;
  if (filter === 3) return (a + b) >> 1;
  return [a, b, c].reduce((best, v) => (Math.abs(a + b - c - v) < Math.abs(a + b - c - best) ? v : best), a);
}

export function png(spec: TestPng): Buffer {
  const { width, height, depth, samples, filter = 0 } = spec;
  const passes = spec.interlaced
    ? [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]
    : [[0, 0, 1, 1]];
  const lines: Buffer[] = [];
  for (const [x0, y0, dx, dy] of passes) {
    let above: Buffer | undefined;
    for (let y = y0; y < height; y += dy) {
      let bits = '';
      for (let x = x0; x < width; x += dx) bits += samples[y * width + x].toString(2).padStart(depth, '0');
      if (bits === '') break;
      const row = Buffer.from(bits.match(/.{1,8}/g)?.map(byte => parseInt(byte.padEnd(8, '0'), 2)) ?? []);
      const step = depth === 16 ? 2 : 1;
      const at = (line: Buffer | undefined, i: number): number => (line && i >= 0 ? line[i] : 0);
      const filtered = Buffer.from(row.map((byte, i) => byte - predict(filter, at(row, i - step), at(above, i), at(above, i - step))));
      lines.push(Buffer.of(filter), filtered);
      above = row;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(spec.claim?.width ?? width, 0);
  header.writeUInt32BE(spec.claim?.height ?? height, 4);
  header.set([depth, spec.colour, 0, 0, spec.interlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk('IHDR', header),
    ...(spec.palette ? [chunk('PLTE', spec.palette)] : []),
    chunk('IDAT', spec.body ?? deflateSync(Buffer.concat(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
