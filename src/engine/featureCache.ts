/**
 * Features on disk, so that a photo goes through the backbone once. One file per key under `.seedmask/cache/features/ab/`, half precision. The key says
 * all that the features depend on. A file that is cut short or damaged does not count and is computed anew; a full disk or a read-only folder
 * only means that nothing is kept. Above the limit, the files that were not used for the longest time go first.
 *
 * File: magic "SMF1", length of the header (uint32), header (JSON: names, dims), first 16 bytes of the sha256 of the payload, payload (halves, layer
 * after layer). Little endian. Several processes may share a cache: files appear by rename, and a file that has vanished is a miss.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { atomicWrite, removeOrphans } from '../dataset/atomicWrite';
import { dataPath, makeFolderFor } from '../dataset/folder';
import { SeedMaskError } from '../shared/errors';

/** One layer's features, in half precision as the files have them. */
export interface FeatureLayer {
  name: string;
  dims: readonly number[];
  halves: Uint16Array;
}

/** All that features depend on. */
export interface FeatureKey {
  /** sha256 of the photo's bytes, hex. */
  photo: string;
  /** sha256 of the backbone, hex. */
  model: string;
  /** How the photo was looked at: size, scale, flip, layers … Plain values only. */
  view: Readonly<Record<string, string | number | boolean>>;
}

const MAGIC = 0x31464d53; // "SMF1"
const CHECKSUM_BYTES = 16;
/** Eviction goes this far below the limit, so that it is not needed at once again. */
const LOW_WATER = 0.9;

const headerSchema = v.array(v.object({ name: v.string(), dims: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))) }));

interface Entry {
  path: string;
  bytes: number;
  used: number;
}

export class FeatureCache {
  private readonly folder: string;
  /** Bytes on disk as far as we know; other processes' are learnt at each sweep. */
  private bytes: number | undefined;
  private sweeping: Promise<void> | undefined;

  /**
   * @param root the data set's folder
   * @param limitBytes 0 keeps nothing
   */
  constructor(
    root: string,
    private readonly limitBytes: number,
  ) {
    this.folder = dataPath(root, 'cache', 'features');
  }

  /** The features of a key, as they were written; undefined on a miss. */
  async read(key: FeatureKey): Promise<FeatureLayer[] | undefined> {
    const path = this.pathOf(key);
    const file = await readFile(path).catch(() => undefined);
    if (!file) return undefined;
    const layers = decode(file);
    const now = new Date();
    if (layers) await utimes(path, now, now).catch(() => undefined);
    else await unlink(path).catch(() => undefined);
    return layers;
  }

  /** Keeps features. @returns false where they could not be kept (no space, not allowed, larger than the limit); that is no failure. */
  async write(key: FeatureKey, layers: readonly FeatureLayer[]): Promise<boolean> {
    const file = encode(layers);
    if (file.length > this.limitBytes) return false;
    const path = this.pathOf(key);
    try {
      await makeFolderFor(path);
      await atomicWrite(path, file);
    } catch (error) {
      if (error instanceof SeedMaskError) return false;
      throw error;
    }
    this.bytes = this.bytes === undefined ? undefined : this.bytes + file.length;
    if (this.bytes === undefined || this.bytes > this.limitBytes) await this.sweep();
    return true;
  }

  /** Removes everything. @returns the bytes freed */
  async clear(): Promise<number> {
    const freed = (await this.entries()).reduce((sum, { bytes }) => sum + bytes, 0);
    if (await stat(this.folder).catch(() => undefined)) await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
    this.bytes = 0;
    return freed;
  }

  /** Counts what is there and removes the oldest while it is too much. */
  private sweep(): Promise<void> {
    this.sweeping ??= (async () => {
      const entries = await this.entries();
      let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
      if (total > this.limitBytes) {
        for (const { path, bytes } of entries.sort((a, b) => a.used - b.used)) {
          if (total <= this.limitBytes * LOW_WATER) break;
          await unlink(path).catch(() => undefined);
          total -= bytes;
        }
      }
      this.bytes = total;
    })().finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  /** Every file of the cache; leftovers of dead processes are removed on the way. */
  private async entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const name of await readdir(this.folder).catch(() => [])) {
      const folder = join(this.folder, name);
      await removeOrphans(folder);
      for (const file of await readdir(folder).catch(() => [])) {
        if (!file.endsWith('.f16')) continue;
        const path = join(folder, file);
        const found = await stat(path).catch(() => undefined);
        if (found) entries.push({ path, bytes: found.size, used: found.mtimeMs });
      }
    }
    return entries;
  }

  private pathOf({ photo, model, view }: FeatureKey): string {
    const parts = Object.entries(view).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = createHash('sha256').update(JSON.stringify([photo, model, parts])).digest('hex').slice(0, 40);
    return join(this.folder, name.slice(0, 2), `${name}.f16`);
  }
}

function encode(layers: readonly FeatureLayer[]): Buffer {
  const header = Buffer.from(JSON.stringify(layers.map(({ name, dims }) => ({ name, dims }))));
  const payload = layers.map(({ halves }) => Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength));
  const start = Buffer.alloc(8);
  start.writeUInt32LE(MAGIC, 0);
  start.writeUInt32LE(header.length, 4);
  return Buffer.concat([start, header, checksum(payload), ...payload]);
}

/** The layers of a file, or undefined where it is not whole. */
function decode(file: Buffer): FeatureLayer[] | undefined {
  if (file.length < 8 || file.readUInt32LE(0) !== MAGIC) return undefined;
  const headerEnd = 8 + file.readUInt32LE(4);
  const start = headerEnd + CHECKSUM_BYTES;
  if (file.length < start) return undefined;
  const header = parseHeader(file.toString('utf8', 8, headerEnd));
  if (!header) return undefined;
  const lengths = header.map(({ dims }) => dims.reduce((a, b) => a * b, 1));
  const payload = file.subarray(start);
  const expected = lengths.reduce((a, b) => a + b, 0) * 2;
  if (payload.length !== expected || !checksum([payload]).equals(file.subarray(headerEnd, start))) return undefined;
  let at = 0;
  return header.map(({ name, dims }, i) => {
    // A copy, because the payload may start at an odd byte.
    const halves = new Uint16Array(lengths[i]);
    payload.copy(Buffer.from(halves.buffer), 0, at, (at += lengths[i] * 2));
    return { name, dims, halves };
  });
}

function parseHeader(text: string): v.InferOutput<typeof headerSchema> | undefined {
  try {
    return v.parse(headerSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

function checksum(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}
