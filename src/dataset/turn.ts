/**
 * Short turns at a data set's masks and manifest, among all processes: a run that writes a mask and a person who saves one look at what is there, decide and
 * write, and nobody may come between. `.seedmask/turn` is the token; unlike the lock of a run (`lock.ts`) it is held for some milliseconds a mask, so both work
 * beside each other. A dead holder's token is taken over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeedMaskError } from '../shared/errors';
import { dataPath } from './folder';
import { dropLockFile, newOwner, readOwner, takeLockFile } from './lockFile';

/** Nobody works that long within a turn. */
const PATIENCE_MS = 30_000;
const MOST_WAIT_MS = 40;

/** The turns of this process, one queue per data set. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while no other turn of this data set runs, here or in another process. Turns do not nest.
 * @throws what `work` throws; SeedMaskError 'locked' (somebody keeps the token), 'not-writable', 'disk-full', 'io'.
 */
export function inTurn<T>(root: string, work: () => Promise<T>): Promise<T> {
  const mine = (queues.get(root) ?? Promise.resolve()).then(() => withToken(root, work));
  const settled = mine.catch(() => undefined);
  queues.set(root, settled);
  void settled.then(() => {
    if (queues.get(root) === settled) queues.delete(root);
  });
  return mine;
}

async function withToken<T>(root: string, work: () => Promise<T>): Promise<T> {
  const file = dataPath(root, 'turn');
  const me = newOwner();
  const end = Date.now() + PATIENCE_MS;
  for (let wait = 1; !(await takeLockFile(file, me)); wait = Math.min(2 * wait, MOST_WAIT_MS)) {
    if (Date.now() > end) {
      const owner = await readOwner(file);
      throw new SeedMaskError('locked', `${owner ? `process ${owner.pid} on ${owner.host}` : 'another process'} keeps the masks of this folder to itself`);
    }
    await sleep(wait * (0.5 + Math.random()));
  }
  try {
    return await work();
  } finally {
    await dropLockFile(file, me);
  }
}
