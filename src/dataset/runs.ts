/**
 * What the runs of a data set did: `.seedmask/runs/<id>/run.json` (settings and summary) and `log.txt`. A run whose record
 * says "running" while nobody holds the data set's lock was killed: it reads as interrupted.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { runSummarySchema, type RunSummary } from '../shared/protocol';
import { runSettingsSchema } from '../shared/settings';
import { atomicWrite } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { lockHolder } from './lock';
import { byCodeUnits } from './paths';

const recordSchema = v.object({
  settings: runSettingsSchema,
  /** Photos the run was asked for, if not all. */
  photos: v.optional(v.array(v.string())),
  /** Token of the lock that the run held, to know whether it goes on. */
  lock: v.optional(v.string()),
  summary: runSummarySchema,
});
export type RunRecord = v.InferOutput<typeof recordSchema>;

const RUN_ID = /^\d{8}-\d{6}-\d{3}-[0-9a-f]{4}$/;

/** An id that sorts by time: '20260131-235959-123-9f0c' (UTC). */
export function newRunId(now: Date = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${digits.slice(14, 17)}-${randomBytes(2).toString('hex')}`;
}

/** Writes the record of a run, at its start, now and then, and at its end. Hold the lock. @throws SeedMaskError as atomicWrite does. */
export async function saveRun(root: string, record: RunRecord): Promise<void> {
  const file = runPath(root, record.summary.id, 'run.json');
  await makeFolderFor(file);
  await atomicWrite(file, `${JSON.stringify(record, undefined, 1)}\n`, { fsync: record.summary.state !== 'running' });
}

/** Nothing if there is no such run or its record is damaged. */
export async function readRun(root: string, id: string): Promise<RunRecord | undefined> {
  try {
    return v.parse(recordSchema, JSON.parse(await readFile(runPath(root, id, 'run.json'), 'utf8')));
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    return undefined;
  }
}

/** The records of all runs, newest first; damaged ones are left out. */
export async function listRuns(root: string): Promise<RunRecord[]> {
  const names = await readdir(dataPath(root, 'runs')).catch(() => []);
  const ids = names.filter(name => RUN_ID.test(name)).sort(byCodeUnits).reverse();
  const { alive, token } = await lockHolder(root);
  const records: RunRecord[] = [];
  for (const id of ids) {
    const record = await readRun(root, id);
    if (!record) continue;
    // Records without a token: only the newest can be the one that goes on.
    const holds = record.lock === undefined || token === undefined ? id === ids[0] : record.lock === token;
    const killed = record.summary.state === 'running' && !(alive && holds);
    records.push(killed ? { ...record, summary: interrupted(record.summary) } : record);
  }
  return records;
}

/** The newest run that made masks, if it did not come to its end: what "resume" continues. (A debiasing is gone on with by starting it again.) */
export function lastUnfinished(root: string): Promise<RunRecord | undefined> {
  return newestUnfinished(root, undefined);
}

/** The newest training, if it did not come to its end. */
export function lastUnfinishedTraining(root: string): Promise<RunRecord | undefined> {
  return newestUnfinished(root, 'train');
}

async function newestUnfinished(root: string, job: RunSummary['job']): Promise<RunRecord | undefined> {
  const newest = (await listRuns(root)).find(({ summary }) => summary.job === job);
  return newest && ['cancelled', 'interrupted', 'failed'].includes(newest.summary.state) ? newest : undefined;
}

/** Absolute path of `parts` in the folder of a run. */
export function runPath(root: string, id: string, ...parts: string[]): string {
  return dataPath(root, 'runs', checkId(id), ...parts);
}

/** Adds a line to a run's log. A log that cannot be written never stops a run: the masks will say why. */
export async function appendLog(root: string, id: string, line: string): Promise<void> {
  const text = `${new Date().toISOString()} ${line.replaceAll('\n', '\n  ')}\n`;
  const file = runPath(root, id, 'log.txt');
  await appendFile(file, text).catch(() => undefined);
}

function interrupted(summary: RunSummary): RunSummary {
  return { ...summary, state: 'interrupted' };
}

function checkId(id: string): string {
  if (!RUN_ID.test(id)) throw new SeedMaskError('refused-path', `'${id.slice(0, 60)}' is not the id of a run`);
  return id;
}
