/**
 * `.seedmask/manifest.jsonl`: what was made of each photo, from what, by what. A line per event, the last one of a photo
 * counts; a torn last line (power cut) is passed over. "Done" and "ours" mean that hashes match an entry here, never that a
 * file exists: so a person's mask is not overwritten and a resumed run skips only exact matches.
 *
 * Order of a write: first the entry, flushed to the disk, then the mask. It names the bytes that will be there and those
 * it replaces, so that wherever a kill falls, what is found afterwards is known as ours.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite, writeError } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';
import { errorCode } from './paths';

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
 * person rejected is made anew. An empty file is nobody's work.
 */
export function decide(entry: ManifestEntry | undefined, mask: Uint8Array | undefined, making: Making): Decision {
  if (mask === undefined || mask.length === 0) return 'write';
  const found = sha256(mask);
  const ours = entry !== undefined && (entry.output === found || entry.replaces === found);
  if (!ours || entry.state === 'edited' || entry.state === 'accepted') return 'keep';
  return entry.state === 'auto' && entry.output === found && isUpToDate(entry, making) ? 'skip' : 'write';
}

/** The order of tags does not matter. */
function isUpToDate(entry: ManifestEntry, making: Making): boolean {
  const same = [...entry.tags].sort().join('\n') === [...making.tags].sort().join('\n');
  return same && entry.source === making.source && entry.key === making.key && (making.output ?? entry.output) === entry.output;
}

export class Manifest {
  private queue: Promise<void> = Promise.resolve();

  private constructor(private readonly file: string, private readonly entries: Map<string, ManifestEntry>, private handle: FileHandle | undefined) {}

  /**
   * Opens a data set's manifest to read and append (hold the lock). Damaged lines are dropped.
   * @throws SeedMaskError 'not-writable', 'disk-full', 'io'.
   */
  static async open(root: string): Promise<Manifest> {
    const file = dataPath(root, 'manifest.jsonl');
    const { entries, lines, torn } = await readEntries(file);
    try {
      await makeFolderFor(file);
      if (torn || lines > BLOAT * Math.max(entries.size, 100)) await rewrite(file, entries);
      return new Manifest(file, entries, await open(file, 'a'));
    } catch (error) {
      throw error instanceof SeedMaskError ? error : writeError(error, file);
    }
  }

  /** The entries of a data set, to look at only. @throws SeedMaskError 'io'. */
  static async read(root: string): Promise<ReadonlyMap<string, ManifestEntry>> {
    return (await readEntries(dataPath(root, 'manifest.jsonl'))).entries;
  }

  get(photo: string): ManifestEntry | undefined {
    return this.entries.get(photo);
  }

  all(): ReadonlyMap<string, ManifestEntry> {
    return this.entries;
  }

  /** Adds an entry and waits for the disk; then the mask may be written. Calls may overlap. @throws SeedMaskError as atomicWrite does. */
  append(entry: ManifestEntry): Promise<void> {
    const turn = this.queue.then(() => this.write(entry));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async write(entry: ManifestEntry): Promise<void> {
    if (!this.handle) throw new Error('the manifest is closed');
    try {
      await this.handle.appendFile(`${JSON.stringify(entry)}\n`);
      await this.handle.datasync();
    } catch (error) {
      throw writeError(error, this.file);
    }
    this.entries.set(entry.photo, entry);
  }

  async close(): Promise<void> {
    await this.queue;
    await this.handle?.close();
    this.handle = undefined;
  }
}

async function rewrite(file: string, entries: ReadonlyMap<string, ManifestEntry>): Promise<void> {
  await atomicWrite(file, [...entries.values()].map(entry => `${JSON.stringify(entry)}\n`).join(''), { fsync: true });
}

interface Lines {
  entries: Map<string, ManifestEntry>;
  lines: number;
  /** Something in the file is no entry, or its last line has no end: the next line must not be glued to it. */
  torn: boolean;
}

async function readEntries(file: string): Promise<Lines> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { entries: new Map(), lines: 0, torn: false };
    throw new SeedMaskError('io', `cannot be read (${errorCode(error) ?? String(error)})`, file, { cause: error });
  }
  const entries = new Map<string, ManifestEntry>();
  const lines = text.split('\n');
  let torn = lines.pop() !== '';
  for (const line of lines) {
    const entry = parseLine(line);
    if (entry) entries.set(entry.photo, entry);
    else torn = true;
  }
  return { entries, lines: lines.length, torn };
}

function parseLine(line: string): ManifestEntry | undefined {
  try {
    const parsed = v.safeParse(entrySchema, JSON.parse(line));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
