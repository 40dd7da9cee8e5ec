/**
 * One run per data set: `.seedmask/lock` names the process that writes, with a heartbeat. A lock whose process is dead (same
 * host) or whose heartbeat stopped a minute ago is taken over. On network drives the lock is advisory; masks stay safe
 * because a file is replaced only while its bytes are those we wrote.
 */
import { stat, utimes } from 'node:fs/promises';
import { SeedMaskError } from '../shared/errors';
import { dataPath } from './folder';
import { dropLockFile, isStale, newOwner, readOwner, takeLockFile, type Owner } from './lockFile';

const BEAT_MS = 10_000;
/** A lock that is dropped while it is looked at is free at the next look. */
const TRIES = 3;

export interface Lock {
  /** Names this very holding of the lock. */
  readonly token: string;
  /** False once another process has taken the lock over (this one slept for more than a minute): stop writing. */
  held(): Promise<boolean>;
  release(): Promise<void>;
}

/** @throws SeedMaskError 'locked' naming pid and host; 'not-writable', 'disk-full', 'io'. */
export async function acquireLock(root: string, beatMs = BEAT_MS): Promise<Lock> {
  const file = dataPath(root, 'lock');
  const me = newOwner();
  for (let attempt = 1; !(await takeLockFile(file, me)); attempt++) {
    const owner = await readOwner(file);
    if (attempt === TRIES || (owner && !(await isStale(file, owner)))) throw lockedBy(owner);
  }

  const held = async (): Promise<boolean> => (await readOwner(file))?.token === me.token;
  const beat = setInterval(() => {
    const now = new Date();
    void held().then(mine => (mine ? utimes(file, now, now) : undefined)).catch(() => undefined);
  }, beatMs);
  beat.unref();
  return {
    token: me.token,
    held,
    async release() {
      clearInterval(beat);
      await dropLockFile(file, me);
    },
  };
}

/** Whether some living process holds the lock, and the token of its holding (nothing while it is being written). */
export async function lockHolder(root: string): Promise<{ alive: boolean; token?: string }> {
  const file = dataPath(root, 'lock');
  const there = await stat(file).then(() => true, () => false);
  const owner = await readOwner(file);
  return there && !(await isStale(file, owner)) ? { alive: true, ...(owner && { token: owner.token }) } : { alive: false };
}

function lockedBy(owner: Owner | undefined): SeedMaskError {
  const who = owner ? `process ${owner.pid} on ${owner.host}, since ${owner.started}` : 'another process';
  return new SeedMaskError('locked', `another run is working on this folder (${who})`);
}
