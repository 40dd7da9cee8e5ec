/**
 * Replaces a file whole or not at all: the new bytes go to a temporary file in the same folder (dot, name, pid, random),
 * which then takes the old one's place by rename. What a killed process leaves behind is removed at the next start.
 */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, open, opendir, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeedMaskError } from '../shared/errors';
import { errorCode, isInside } from './paths';

/** The calls that can fail in the field; tests put failing ones in their place. */
export interface WriteCalls {
  open: (path: string, flags: string, mode: number) => Promise<Pick<FileHandle, 'writeFile' | 'sync' | 'close'>>;
  rename: (from: string, to: string) => Promise<void>;
}

export interface WriteOptions {
  /** Where a link in the file's place may lead: its target is replaced only inside this folder. Default: the file's folder. */
  root?: string;
  /** Wait until the bytes are on the disk: for the manifest and for checkpoints, not for each mask. */
  fsync?: boolean;
  calls?: WriteCalls;
}

const REAL: WriteCalls = { open, rename };
const TEMP = /^\.(.+)\.seedmask-(\d+)-[0-9a-f]{12}\.tmp$/;
/** Another program holds the file open (Windows: a viewer, a virus scanner). Doubling waits: 10 ms … 640 ms, 1.3 s together. */
const HELD = new Set(['EBUSY', 'EPERM', 'EACCES']);
const TRIES = 8;

/**
 * Writes `bytes` as `file`. The old file's mode is kept.
 * @throws SeedMaskError 'disk-full', 'not-writable' (read-only folder or disk, held by another program), 'removed' (the
 * folder is gone), 'refused-path' (a link that leads out of `root`), 'io'. The old file is then as it was.
 */
export async function atomicWrite(file: string, bytes: Uint8Array | string, options: WriteOptions = {}): Promise<void> {
  const calls = options.calls ?? REAL;
  const { target, mode } = await finalTarget(file, options.root ?? dirname(file));
  const temp = join(dirname(target), `.${basename(target)}.seedmask-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await calls.open(temp, 'wx', mode ?? 0o666);
    try {
      await handle.writeFile(bytes);
      if (options.fsync) await handle.sync();
    } finally {
      await handle.close();
    }
    if (mode !== undefined) await chmod(temp, mode);
    await renameHeld(temp, target, calls);
    if (options.fsync) await syncFolder(dirname(target));
  } catch (error) {
    await unlink(temp).catch(() => undefined);
    throw writeError(error, file);
  }
}

/** What a rename would replace, through a link if there is one, and its mode. */
async function finalTarget(file: string, root: string): Promise<{ target: string; mode?: number }> {
  try {
    const link = (await lstat(file)).isSymbolicLink();
    const target = link ? await realpath(file) : file;
    if (link && !isInside(await realpath(root), target)) throw new SeedMaskError('refused-path', 'is a link that leads out of the folder', file);
    return { target, mode: (await stat(target)).mode & 0o7777 };
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    if (errorCode(error) !== 'ENOENT') throw writeError(error, file);
    if ((await lstat(file).catch(() => undefined))?.isSymbolicLink()) throw new SeedMaskError('refused-path', 'is a broken link', file);
    return { target: file };
  }
}

async function renameHeld(from: string, to: string, calls: WriteCalls): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await calls.rename(from, to);
    } catch (error) {
      if (attempt === TRIES || !HELD.has(errorCode(error) ?? '')) throw error;
      await sleep(5 * 2 ** attempt);
    }
  }
}

/** Makes the rename itself last through a power cut, where the system can. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The SeedMaskError for what a write ran into. */
export function writeError(error: unknown, file: string): SeedMaskError {
  const code = errorCode(error);
  const options = { cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new SeedMaskError('disk-full', 'the disk is full', file, options);
  if (code === 'EROFS') return new SeedMaskError('not-writable', 'the disk is read-only', file, options);
  if (code === 'EACCES' || code === 'EPERM') return new SeedMaskError('not-writable', 'cannot be written here: no permission, or another program holds it', file, options);
  if (code === 'EBUSY') return new SeedMaskError('not-writable', 'another program holds it', file, options);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new SeedMaskError('removed', 'its folder is gone', file, options);
  if (code === 'ENAMETOOLONG') return new SeedMaskError('io', 'the name is too long for this disk', file, options);
  return new SeedMaskError('io', `cannot be written (${code ?? String(error)})`, file, options);
}

/** No process of this number runs on this machine. */
export function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Removes temporary files of dead processes from `folder` (not below it); returns how many. An unreadable folder has none. */
export async function removeOrphans(folder: string): Promise<number> {
  let removed = 0;
  try {
    for await (const entry of await opendir(folder, { bufferSize: 512 })) {
      const pid = TEMP.exec(entry.name)?.[2];
      if (!entry.isFile() || pid === undefined || !isDead(Number(pid))) continue;
      await unlink(join(folder, entry.name)).then(() => removed++, () => undefined);
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
  return removed;
}
