/**
 * Unsaved edits as one file, for the editor's hot exit. Layout: the four letters SMED, the length of the header and a checksum (FNV-1a) of everything after it, as
 * 32-bit little-endian numbers, then the header (JSON) and the bytes it counts: for each photo its file's mask, for each edit the labels before and after. A backup
 * holds all it needs to go on; whether the files are still the same is told by their hashes.
 */
import * as v from 'valibot';
import { CHOICES } from './evidence';
import { SeedMaskError } from './errors';
import { MaskEdits, type Base, type EditPart } from './maskEdits';

const MAGIC = 'SMED';
const FIXED = 12;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));
const choice = v.nullable(v.picklist(CHOICES));

const headerSchema = v.object({
  version: v.literal(1),
  root: v.string(),
  /** The photo that was shown. */
  current: v.optional(v.string()),
  photos: v.array(v.object({ photo: v.string(), hash: v.nullable(v.string()), width: side, height: side, overwrite: v.boolean(), bytes: count })),
  parts: v.array(
    v.object({
      photo: count,
      label: v.string(),
      x: count,
      y: count,
      width: side,
      height: side,
      before: count,
      after: count,
      choices: v.array(v.object({ evidence: v.string(), choice, was: choice })),
    }),
  ),
});
type Header = v.InferOutput<typeof headerSchema>;

export interface Backup {
  root: string;
  current?: string;
  /** Masks of the files the edits were made on. */
  bases: Map<string, Base & { overwrite: boolean }>;
  /** Oldest first. */
  parts: EditPart[];
}

/** The unsaved edits of `edits`. */
export function writeBackup(edits: MaskEdits, root: string, current: string | undefined): Uint8Array {
  const chunks: Uint8Array[] = [];
  const header: Header = { version: 1, root, ...(current !== undefined && { current }), photos: [], parts: [] };
  for (const photo of edits.dirty) {
    const base = edits.fileMask(photo);
    if (!base) continue;
    const { hash, width, height, runs } = base;
    header.photos.push({ photo, hash, width, height, overwrite: edits.save(photo)?.overwrite ?? false, bytes: runs.length });
    chunks.push(runs);
  }
  for (const [index, { photo }] of header.photos.entries()) {
    for (const { label, patch, choices } of edits.way(photo)) {
      const { before, after, ...place } = patch;
      header.parts.push({ photo: index, label, ...place, before: before.length, after: after.length, choices: choices.map(each => ({ ...each })) });
      chunks.push(before, after);
    }
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(FIXED + text.length + chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  out.set(new TextEncoder().encode(MAGIC));
  out.set(text, FIXED);
  let at = FIXED + text.length;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  const view = new DataView(out.buffer);
  view.setUint32(4, text.length, true);
  view.setUint32(8, checksum(out.subarray(FIXED)), true);
  return out;
}

/** @throws SeedMaskError 'bad-message' when it is not, whole and unchanged, what `writeBackup` wrote. */
export function readBackup(bytes: Uint8Array): Backup {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FIXED || new TextDecoder().decode(bytes.subarray(0, 4)) !== MAGIC) throw damaged();
  const start = FIXED + view.getUint32(4, true);
  if (start > bytes.length || checksum(bytes.subarray(FIXED)) !== view.getUint32(8, true)) throw damaged();
  const header = headerOf(new TextDecoder().decode(bytes.subarray(FIXED, start)));
  let at = start;
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw damaged();
    return bytes.slice(at, (at += length));
  };
  const bases = new Map(header.photos.map(({ photo, bytes: length, ...rest }) => [photo, { ...rest, runs: take(length) }]));
  const parts = header.parts.map(({ photo: index, label, choices, before, after, ...place }): EditPart => {
    const photo = header.photos.at(index)?.photo;
    if (photo === undefined) throw damaged();
    return { photo, label, choices, patch: { ...place, before: take(before), after: take(after) } };
  });
  if (at !== bytes.length) throw damaged();
  return { root: header.root, ...(header.current !== undefined && { current: header.current }), bases, parts };
}

/** The edits of a backup, made again. @throws SeedMaskError 'bad-message' when they do not fit their masks. */
export function restoreEdits({ bases, parts }: Backup): MaskEdits {
  const edits = new MaskEdits();
  for (const part of parts) {
    edits.add([part], photo => {
      const base = bases.get(photo);
      if (!base) throw damaged();
      return base;
    });
  }
  for (const [photo, { overwrite }] of bases) if (overwrite) edits.overwriteFile(photo);
  return edits;
}

function headerOf(text: string): Header {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged();
  }
  const parsed = v.safeParse(headerSchema, json);
  if (!parsed.success) throw damaged();
  return parsed.output;
}

function damaged(): SeedMaskError {
  return new SeedMaskError('bad-message', 'the backup of unsaved edits is damaged');
}

/** FNV-1a, 32 bits. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}
