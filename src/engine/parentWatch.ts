/**
 * No engine outlives its front end. A closed channel says that the front end has gone, but a thread deep in a model run does not hear it; so a second
 * thread looks once a second whether the parent process is still there, and ends this one if not.
 */
import { Worker } from 'node:worker_threads';

const EVERY_MS = 1000;

/** Runs in the second thread: alone, without the bundle. An orphan gets a new parent on Unix; on Windows its old parent's id becomes free. */
const WATCH = `
const { parent, everyMs } = require('node:worker_threads').workerData;
const gone = () => {
  if (process.platform !== 'win32') return process.ppid !== parent;
  try { process.kill(parent, 0); return false; } catch { return true; }
};
setInterval(() => { if (gone()) process.kill(process.pid, 'SIGKILL'); }, everyMs);
`;

/** Starts the watch; it does not keep the process alive. */
export function endWithParent(): void {
  new Worker(WATCH, { eval: true, workerData: { parent: process.ppid, everyMs: EVERY_MS }, execArgv: [], stderr: false }).unref();
}
