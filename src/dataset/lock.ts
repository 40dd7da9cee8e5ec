/**
 * One run per data set: `.seedmask/lock` names the process that writes, with a heartbeat. A lock whose process is dead (same
 * host) or whose heartbeat stopped a minute ago is taken over. On network drives the lock is advisory; masks stay safe
 * because a file is replaced only while its bytes are those we wrote.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { isDead, writeError } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { errorCode } from './paths';

const STALE_MS = 60_000;
const BEAT_MS = 10_000;

const ownerSchema = v.object({ pid: v.number(), host: v.string(), token: v.string(), started: v.string() });
export type Owner = v.InferOutput<typeof ownerSchema>;

/** This process, with a token of its own for each lock it takes. */
export function newOwner(): Owner {
  return { pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex'), started: new Date().toISOString() };
}

export interface Lock {
  /** False once another process has taken the lock over (this one slept for more than a minute): stop writing. */
  held(): Promise<boolean>;
  release(): Promise<void>;
}

/** @throws SeedMaskError 'locked' naming pid and host; 'not-writable', 'disk-full', 'io'. */
export async function acquireLock(root: string, beatMs = BEAT_MS): Promise<Lock> {
  const file = dataPath(root, 'lock');
  const me = newOwner();
  await takeLockFile(file, me);

  const held = async (): Promise<boolean> => (await readOwner(file))?.token === me.token;
  const beat = setInterval(() => {
    const now = new Date();
    void held().then(mine => (mine ? utimes(file, now, now) : undefined)).catch(() => undefined);
  }, beatMs);
  beat.unref();
  return {
    held,
    async release() {
      clearInterval(beat);
      await dropLockFile(file, me);
    },
  };
}

/** Some living process holds the lock. */
export async function isLocked(root: string): Promise<boolean> {
  const file = dataPath(root, 'lock');
  return !(await isStale(file, await readOwner(file)));
}

/**
 * Creates the lock file, which only one of several takers can; a stale one is moved away before.
 * @throws SeedMaskError 'locked', 'not-writable', 'disk-full', 'removed', 'io'.
 */
export async function takeLockFile(file: string, me: Owner): Promise<void> {
  await makeFolderFor(file);
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        return await writeFile(file, JSON.stringify(me), { flag: 'wx' });
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') {
          // A full disk lets the file be made but not filled: it would pass for somebody's lock.
          if (!(await readOwner(file))) await unlink(file).catch(() => undefined);
          throw error;
        }
      }
      const owner = await readOwner(file);
      if (!(await isStale(file, owner))) throw lockedBy(owner);
      await moveAway(file, owner, me);
    }
    throw lockedBy(await readOwner(file));
  } catch (error) {
    throw error instanceof SeedMaskError ? error : writeError(error, file);
  }
}

/** Removes the lock file if it is `me`'s still. */
export async function dropLockFile(file: string, me: Owner): Promise<void> {
  if ((await readOwner(file))?.token === me.token) await unlink(file).catch(() => undefined);
}

/** Removes the stale lock of `owner`. If another taker was quicker and the lock moved is its fresh one, that is put back. */
async function moveAway(file: string, owner: Owner | undefined, me: Owner): Promise<void> {
  const away = `${file}.${me.token}.old`;
  try {
    await rename(file, away);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const found = await readOwner(away);
  if (found && found.token !== owner?.token) await writeFile(file, JSON.stringify(found), { flag: 'wx' }).catch(() => undefined);
  await unlink(away).catch(() => undefined);
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const parsed = v.safeParse(ownerSchema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

async function isStale(file: string, owner: Owner | undefined): Promise<boolean> {
  if (owner?.host === hostname() && isDead(owner.pid)) return true;
  const beat = await stat(file).then(found => found.mtimeMs, () => undefined);
  return beat === undefined || Date.now() - beat > STALE_MS;
}

function lockedBy(owner: Owner | undefined): SeedMaskError {
  const who = owner ? `process ${owner.pid} on ${owner.host}, since ${owner.started}` : 'another process';
  return new SeedMaskError('locked', `another run is working on this folder (${who})`);
}
