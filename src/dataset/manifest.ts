/**
 * `.seedmask/manifest.jsonl`: what was made of each photo, from what, by what. A line per event, the last one of a photo
 * counts; a torn last line (power cut) is passed over. "Done" and "ours" mean that hashes match an entry here, never that a
 * file exists: so a person's mask is not overwritten and a resumed run skips only exact matches.
 *
 * A run keeps it open while a person may save masks from another process: each of the two looks for the other's lines (`refresh`) and writes its own within one
 * turn (`turn.ts`), so that nothing is decided on what was true a second ago.
 *
 * Order of a run's write: first the entry, flushed to the disk, then the mask. It names the bytes that will be there and those
 * it replaces, so that wherever a kill falls, what is found afterwards is known as ours.
 */
import { open, stat, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite, writeError } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';
import { errorCode } from './paths';
import { inTurn } from './turn';

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const entrySchema = v.object({
  /** Its path relative to the root. */
  photo: v.pipe(v.string(), v.minLength(1)),
  /** sha256 of the photo's file. */
  source: hash,
  tags: v.array(v.string()),
  /** Hash of models, parameters and whatever else decides the mask, made by the caller. */
  key: v.string(),
  /** sha256 of the mask file's bytes. */
  output: hash,
  /** sha256 of the mask before debiasing, as a file's bytes, where `output` was debiased: it lies in the layers of the photo. */
  before: v.optional(hash),
  /** sha256 of the mask of ours that was there when this one was made, if any. */
  replaces: v.optional(hash),
  device: v.string(),
  /** 'auto' as the engine wrote it; the others are a person's word. */
  state: v.picklist(['auto', 'edited', 'accepted', 'rejected']),
  /** Whose bytes `output` are: an engine's (absent), painted by a person, or of another program. Stays through a person's words. */
  origin: v.optional(v.picklist(['person', 'other'])),
  /** ISO 8601. */
  time: v.string(),
  /** Id of the run. */
  run: v.string(),
});
export type ManifestEntry = v.InferOutput<typeof entrySchema>;

/** The file is rewritten on opening once it has this many times more lines than photos (or than a hundred). */
const BLOAT = 4;

/** What to do about a photo's mask. */
export type Decision =
  | 'write' // nothing is there, or what is there is ours and out of date
  | 'skip' // ours and up to date
  | 'keep'; // a person's

/** What a mask would be made from now. */
export interface Making {
  source: string;
  tags: readonly string[];
  key: string;
  /** sha256 of the mask that is to be there, where the caller has made it already; a mask of ours with other bytes is then out of date. */
  output?: string;
}

/**
 * The rule. `mask` is the bytes of the mask file, undefined if there is none; `entry` the photo's last one.
 * A file whose bytes are not those we wrote is a person's, and so is one that a person accepted or edited; one that a
 * person rejected is made anew. An empty file is nobody's work. A word taken back makes nothing ours that was not.
 */
export function decide(entry: ManifestEntry | undefined, mask: Uint8Array | undefined, making: Making): Decision {
  if (mask === undefined || mask.length === 0) return 'write';
  const found = sha256(mask);
  const ours = entry !== undefined && (entry.output === found || entry.replaces === found);
  if (!ours || entry.state === 'edited' || entry.state === 'accepted') return 'keep';
  if (entry.state === 'auto' && entry.origin !== undefined) return 'keep';
  return entry.state === 'auto' && entry.output === found && isUpToDate(entry, making) ? 'skip' : 'write';
}

/** The order of tags does not matter. */
function isUpToDate(entry: ManifestEntry, making: Making): boolean {
  const same = [...entry.tags].sort().join('\n') === [...making.tags].sort().join('\n');
  return same && entry.source === making.source && entry.key === making.key && (making.output ?? entry.output) === entry.output;
}

export class Manifest {
  private queue: Promise<void> = Promise.resolve();

  /** `handle`: undefined: opened for each writing; null: closed. */
  private constructor(private readonly file: string, private read: Lines, private handle: FileHandle | undefined | null) {}

  /**
   * Opens a data set's manifest to read and append. Damaged lines are dropped.
   * @throws SeedMaskError 'not-writable', 'disk-full', 'io', 'locked'.
   */
  static async open(root: string): Promise<Manifest> {
    const file = dataPath(root, 'manifest.jsonl');
    return inTurn(root, async () => {
      let lines = await readLines(file);
      try {
        await makeFolderFor(file);
        if (lines.damaged || lines.torn || lines.count > BLOAT * Math.max(lines.entries.size, 100)) {
          await rewrite(file, lines.entries);
          lines = await readLines(file);
        }
        const handle = await open(file, 'a');
        lines.inode = (await handle.stat({ bigint: true })).ino;
        return new Manifest(file, lines, handle);
      } catch (error) {
        throw error instanceof SeedMaskError ? error : writeError(error, file);
      }
    });
  }

  /** To look at for long and to write in rarely: the file is open only while it is read or written, and made by the first `append`. @throws SeedMaskError 'io'. */
  static async follow(root: string): Promise<Manifest> {
    const file = dataPath(root, 'manifest.jsonl');
    return new Manifest(file, await readLines(file), undefined);
  }

  /** The entries of a data set, to look at only. @throws SeedMaskError 'io'. */
  static async read(root: string): Promise<ReadonlyMap<string, ManifestEntry>> {
    return (await readLines(dataPath(root, 'manifest.jsonl'))).entries;
  }

  get(photo: string): ManifestEntry | undefined {
    return this.read.entries.get(photo);
  }

  all(): ReadonlyMap<string, ManifestEntry> {
    return this.read.entries;
  }

  /**
   * Takes in what other processes have added. Before an `append` within the same turn.
   * @throws SeedMaskError 'io'.
   */
  refresh(): Promise<void> {
    return this.next(() => this.takeIn());
  }

  private async takeIn(): Promise<void> {
    const found = await stat(this.file, { bigint: true }).catch(() => undefined);
    if (found && found.ino === this.read.inode && Number(found.size) >= this.read.end) {
      if (Number(found.size) > this.read.end) await readOn(this.file, this.read);
      return;
    }
    // Rewritten by another process, or deleted by a person.
    this.read = await readLines(this.file);
    if (!this.handle) return;
    await this.handle.close();
    await makeFolderFor(this.file);
    this.handle = await open(this.file, 'a').catch((error: unknown) => {
      throw writeError(error, this.file);
    });
    this.read.inode = (await this.handle.stat({ bigint: true })).ino;
  }

  /** Adds entries, one a photo, and waits for the disk; then the masks may be written. Calls may overlap. @throws SeedMaskError as atomicWrite does. */
  append(...entries: readonly ManifestEntry[]): Promise<void> {
    return this.next(() => this.write(entries));
  }

  /** One thing after the other. */
  private next(work: () => Promise<void>): Promise<void> {
    const mine = this.queue.then(work);
    this.queue = mine.catch(() => undefined);
    return mine;
  }

  private async write(entries: readonly ManifestEntry[]): Promise<void> {
    if (this.handle === null) throw new Error('the manifest is closed');
    if (entries.length === 0) return;
    if (!this.handle) await makeFolderFor(this.file);
    try {
      const handle = this.handle ?? (await open(this.file, 'a'));
      try {
        const lines = entries.map(entry => `${JSON.stringify(entry)}\n`).join('');
        await handle.appendFile(this.read.torn ? `\n${lines}` : lines);
        this.read.torn = false;
        await handle.datasync();
      } finally {
        if (handle !== this.handle) await handle.close();
      }
    } catch (error) {
      throw writeError(error, this.file);
    }
    for (const entry of entries) this.read.entries.set(entry.photo, entry);
  }

  async close(): Promise<void> {
    await this.queue;
    await this.handle?.close();
    this.handle = null;
  }
}

async function rewrite(file: string, entries: ReadonlyMap<string, ManifestEntry>): Promise<void> {
  await atomicWrite(file, [...entries.values()].map(entry => `${JSON.stringify(entry)}\n`).join(''), { fsync: true });
}

interface Lines {
  entries: Map<string, ManifestEntry>;
  count: number;
  /** A line is no entry. */
  damaged: boolean;
  /** The last line has no end: the next must not be glued to it. */
  torn: boolean;
  /** Bytes up to the end of the last whole line. */
  end: number;
  /** Of the file that was read. */
  inode: bigint | undefined;
}

async function readLines(file: string): Promise<Lines> {
  const lines: Lines = { entries: new Map(), count: 0, damaged: false, torn: false, end: 0, inode: undefined };
  await readOn(file, lines);
  return lines;
}

/** Reads what `lines` does not have yet. No file has no lines. @throws SeedMaskError 'io'. */
async function readOn(file: string, lines: Lines): Promise<void> {
  let text: Buffer;
  try {
    const handle = await open(file, 'r');
    try {
      const { size, ino } = await handle.stat({ bigint: true });
      lines.inode = ino;
      text = Buffer.alloc(Math.max(0, Number(size) - lines.end));
      const { bytesRead } = await handle.read(text, 0, text.length, lines.end);
      text = text.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw new SeedMaskError('io', `cannot be read (${errorCode(error) ?? String(error)})`, file, { cause: error });
  }
  const whole = text.lastIndexOf(10) + 1;
  lines.torn = whole < text.length;
  lines.end += whole;
  for (const line of text.toString('utf8', 0, whole).split('\n').slice(0, -1)) {
    lines.count++;
    const entry = parseLine(line);
    if (entry) lines.entries.set(entry.photo, entry);
    else lines.damaged = true;
  }
}

function parseLine(line: string): ManifestEntry | undefined {
  try {
    const parsed = v.safeParse(entrySchema, JSON.parse(line));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
