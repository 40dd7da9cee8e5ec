/**
 * A file that says who may write, made by one of several takers: with the flag that fails where it exists already. One whose process is dead (same host) or that nobody
 * touched for a minute is removed by whoever holds `<file>.break` meanwhile and finds it unchanged, so that a fresh one is never taken for the stale one before it.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { isDead, writeError } from './atomicWrite';
import { makeFolderFor } from './folder';
import { errorCode } from './paths';

const STALE_MS = 60_000;
/** A deleted file that another program still has open (Windows). */
const GOING = new Set(process.platform === 'win32' ? ['EPERM', 'EACCES'] : []);

const ownerSchema = v.object({ pid: v.number(), host: v.string(), token: v.string(), started: v.string() });
export type Owner = v.InferOutput<typeof ownerSchema>;

/** This process, with a token of its own for each lock it takes. */
export function newOwner(): Owner {
  return { pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex'), started: new Date().toISOString() };
}

/** The owner of a lock file; nothing if there is none, or if it is being written. */
export async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const parsed = v.safeParse(ownerSchema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock if it is free or stale. @returns whether `me` has it now
 * @throws SeedMaskError 'not-writable', 'disk-full', 'removed', 'io'
 */
export async function takeLockFile(file: string, me: Owner): Promise<boolean> {
  await makeFolderFor(file);
  if (await create(file, me)) return true;
  const owner = await readOwner(file);
  return (await isStale(file, owner)) && (await remove(file, owner, me)) && (await create(file, me));
}

/** Removes the lock file if it is `me`'s still. */
export async function dropLockFile(file: string, me: Owner): Promise<void> {
  if ((await readOwner(file))?.token === me.token) await unlink(file).catch(() => undefined);
}

/** Nobody lives behind the lock file. A file that is not there (any more) is not stale: it is free, or somebody's in a moment. */
export async function isStale(file: string, owner: Owner | undefined): Promise<boolean> {
  if (owner?.host === hostname() && isDead(owner.pid)) return true;
  const beat = await stat(file).then(found => found.mtimeMs, () => undefined);
  return beat !== undefined && Date.now() - beat > STALE_MS;
}

/** Creates the file; false if it exists. What could be made but not filled (a full disk) is removed again. */
async function create(file: string, me: Owner): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(JSON.stringify(me));
    } catch (error) {
      await unlink(file).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST' || GOING.has(code)) return false;
    throw writeError(error, file);
  }
}

/** Removes the stale lock of `owner`; false if somebody else is at it. */
async function remove(file: string, owner: Owner | undefined, me: Owner): Promise<boolean> {
  const breaking = `${file}.break`;
  if (!(await create(breaking, me))) {
    // Whoever was at it died within these few lines.
    if (await isStale(breaking, await readOwner(breaking))) await unlink(breaking).catch(() => undefined);
    return false;
  }
  try {
    const now = await readOwner(file);
    if (now?.token !== owner?.token || !(await isStale(file, now))) return false;
    await unlink(file).catch(() => undefined);
    return true;
  } finally {
    await unlink(breaking).catch(() => undefined);
  }
}
