/**
 * The shared libraries that a Linux library asks the loader for (DT_NEEDED of ELF-64, little endian), read without loading it.
 * Layout: System V ABI, "Object Files" and "Dynamic Linking".
 */
import { open, type FileHandle } from 'node:fs/promises';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
/** No honest library has larger tables; guards the allocations below. */
const MOST_BYTES = 64 << 20;

interface Segment {
  type: number;
  offset: number;
  address: number;
  size: number;
}

/** @throws if the file is not a 64-bit little-endian ELF library. */
export async function neededLibraries(path: string): Promise<string[]> {
  const file = await open(path);
  try {
    const segments = await readSegments(file);
    const dynamic = segments.find(segment => segment.type === PT_DYNAMIC);
    if (!dynamic) return [];
    const entries = await readAt(file, dynamic.offset, dynamic.size);
    const tags = Array.from({ length: Math.floor(entries.length / 16) }, (_, i) => ({
      tag: entries.readBigUInt64LE(i * 16),
      value: Number(entries.readBigUInt64LE(i * 16 + 8)),
    }));
    const address = tags.find(({ tag }) => tag === DT_STRTAB)?.value;
    const size = tags.find(({ tag }) => tag === DT_STRSZ)?.value;
    const home = segments.find(segment => segment.type === PT_LOAD && address !== undefined && address >= segment.address && address < segment.address + segment.size);
    if (address === undefined || size === undefined || !home) throw new Error('no table of names');
    const names = await readAt(file, home.offset + (address - home.address), size);
    return tags.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => names.toString('latin1', value, names.indexOf(0, value)));
  } finally {
    await file.close();
  }
}

async function readSegments(file: FileHandle): Promise<Segment[]> {
  const header = await readAt(file, 0, 64);
  const isElf64 = header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2 && header[5] === 1;
  if (!isElf64) throw new Error('not a 64-bit ELF file');
  const entrySize = header.readUInt16LE(0x36);
  const count = header.readUInt16LE(0x38);
  const table = await readAt(file, Number(header.readBigUInt64LE(0x20)), entrySize * count);
  return Array.from({ length: count }, (_, i) => {
    const at = i * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  if (!(length <= MOST_BYTES)) throw new Error('a table is too large');
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new Error('the file is cut short');
  return buffer;
}
