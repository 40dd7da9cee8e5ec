/**
 * Photos that a person has open with unsaved strokes: `.seedmask/holds/<host>-<pid>.json` names the window's process and its photos, and no run writes their masks
 * (`maskStore.ts`), whichever process it lives in. The list of a dead process holds nothing. Beside it lies, by its hash, the mask the strokes began on: so that "mine"
 * can be written even when another program has replaced the file meanwhile.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { atomicWrite, isDead } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';
import { inTurn } from './turn';

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const holdSchema = v.object({
  pid: v.number(),
  host: v.string(),
  photos: v.array(v.object({ photo: v.string(), /** Of the mask that the strokes began on; null: there was none. */ base: v.nullable(hash) })),
});
type Hold = v.InferOutput<typeof holdSchema>;

/** Whether a process of another machine lives cannot be asked: its list counts for this long. */
const FAR_AWAY_MS = 12 * 3600_000;
/** Lists of dead processes and their masks are kept for a person who comes back after a crash. */
const FORGOTTEN_MS = 14 * 24 * 3600_000;

/** The process whose end ends a hold. */
export interface Holder {
  pid: number;
  host: string;
}

/** A front end's engine holds for its front end, whose window outlives an idle engine. */
export function thisHolder(): Holder {
  return { pid: process.send ? process.ppid : process.pid, host: hostname() };
}

const folderOf = (root: string): string => dataPath(root, 'holds');
const fileOf = (root: string, { pid, host }: Holder): string => join(folderOf(root), `${createHash('sha256').update(host).digest('hex').slice(0, 8)}-${pid}.json`);
const baseFile = (root: string, base: string): string => join(folderOf(root), `${base}.png`);

/** A living process holds `photo`. */
export async function isHeld(root: string, photo: string): Promise<boolean> {
  return (await readHolds(root)).some(({ hold, alive }) => alive && hold.photos.some(held => held.photo === photo));
}

/**
 * The photos (ids from the scan) that `holder` keeps from now on, instead of those before. `maskOf` reads the mask that is there; a photo that was held already keeps
 * the one it began on.
 * @throws SeedMaskError as atomicWrite does.
 */
export async function setHolds(root: string, photos: readonly string[], maskOf: (photo: string) => Promise<Uint8Array | undefined>, holder = thisHolder()): Promise<void> {
  const file = fileOf(root, holder);
  await inTurn(root, async () => {
    const before = (await readHold(file))?.photos ?? [];
    const held: Hold['photos'] = [];
    for (const photo of new Set(photos)) held.push(before.find(one => one.photo === photo) ?? { photo, base: await keepBase(root, await maskOf(photo)) });
    if (held.length === 0) await unlink(file).catch(() => undefined);
    else await writeHold(file, { ...holder, photos: held });
    await forget(root);
  });
}

/** After a save of a held photo its next strokes begin on `bytes`. Within a turn. */
export async function moveBase(root: string, photo: string, bytes: Uint8Array, holder = thisHolder()): Promise<void> {
  const file = fileOf(root, holder);
  const hold = await readHold(file);
  if (!hold?.photos.some(held => held.photo === photo)) return;
  const base = await keepBase(root, bytes);
  await writeHold(file, { ...hold, photos: hold.photos.map(held => (held.photo === photo ? { photo, base } : held)) });
}

/** The bytes of a mask that strokes began on, if they were kept. */
export async function baseBytes(root: string, base: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(baseFile(root, base)).catch(() => undefined);
  return bytes && sha256(bytes) === base ? bytes : undefined;
}

async function keepBase(root: string, bytes: Uint8Array | undefined): Promise<string | null> {
  if (!bytes) return null;
  const base = sha256(bytes);
  const file = baseFile(root, base);
  await makeFolderFor(file);
  if (!(await baseBytes(root, base))) await atomicWrite(file, bytes);
  return base;
}

async function writeHold(file: string, hold: Hold): Promise<void> {
  await makeFolderFor(file);
  await atomicWrite(file, `${JSON.stringify(hold)}\n`);
}

async function readHold(file: string): Promise<Hold | undefined> {
  try {
    const parsed = v.safeParse(holdSchema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

async function readHolds(root: string): Promise<{ file: string; hold: Hold; alive: boolean; age: number }[]> {
  const names = (await readdir(folderOf(root)).catch(() => [])).filter(name => name.endsWith('.json'));
  const found = await Promise.all(names.map(async name => {
    const file = join(folderOf(root), name);
    const hold = await readHold(file);
    const age = await stat(file).then(({ mtimeMs }) => Date.now() - mtimeMs, () => Infinity);
    if (!hold) return [];
    const alive = hold.host === hostname() ? !isDead(hold.pid) : age < FAR_AWAY_MS;
    return [{ file, hold, alive, age }];
  }));
  return found.flat();
}

/** Removes old lists of the dead, and masks that no list names. */
async function forget(root: string): Promise<void> {
  const named = new Set<string>();
  for (const { file, hold, alive, age } of await readHolds(root)) {
    if (!alive && age > FORGOTTEN_MS) await unlink(file).catch(() => undefined);
    else for (const { base } of hold.photos) if (base) named.add(`${base}.png`);
  }
  for (const name of await readdir(folderOf(root)).catch(() => [])) {
    if (name.endsWith('.png') && !named.has(name)) await unlink(join(folderOf(root), name)).catch(() => undefined);
  }
}
