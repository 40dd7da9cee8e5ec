import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { acquireLock } from '../../../src/dataset/lock';
import { appendLog, lastUnfinished, lastUnfinishedTraining, listRuns, newRunId, readRun, saveRun, type RunRecord } from '../../../src/dataset/runs';
import type { RunSummary } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { put, tempFolder } from './temp';

function record(id: string, state: RunSummary['state'], more: Partial<RunSummary> = {}): RunRecord {
  const summary: RunSummary = { id, root: '/x', started: '2026-01-01T00:00:00Z', seconds: 1, state, device: 'cpu', photos: 2, written: 1, kept: 0, skipped: 0, untagged: 0,
    failed: [{ photo: 'a.jpg', reason: 'bad-image', message: 'the file is empty' }], notes: [], ...more };
  return { settings: { ...DEFAULT_SETTINGS, saliency: false }, summary };
}

test('ids sort by time', () => {
  assert.match(newRunId(new Date('2026-01-31T23:59:59.123Z')), /^20260131-235959-123-[0-9a-f]{4}$/);
  assert.ok(newRunId(new Date(2000)) < newRunId(new Date(3000)));
});

test('records come back, newest first; damaged and foreign ones are left out', async t => {
  const root = await tempFolder(t, { '.seedmask/runs/20250101-000000-000-aaaa/run.json': '{', '.seedmask/runs/notes/run.json': '{}' });
  const ids = [1000, 3000, 2000].map(time => newRunId(new Date(time)));
  for (const id of ids) await saveRun(root, record(id, 'done'));
  await saveRun(root, record(ids[0], 'done', { written: 7 }));
  const runs = await listRuns(root);
  assert.deepEqual(runs.map(run => run.summary.id), [ids[1], ids[2], ids[0]]);
  assert.deepEqual(runs[2], record(ids[0], 'done', { written: 7 }));
  assert.deepEqual(await listRuns(join(root, 'elsewhere')), []);
});

test('running while the lock is held; interrupted once its holder is dead or gone', async t => {
  const root = await tempFolder(t);
  const [old, now] = [newRunId(new Date(1000)), newRunId(new Date(2000))];
  const lock = await acquireLock(root);
  await saveRun(root, record(old, 'running'));
  await saveRun(root, record(now, 'running'));
  assert.deepEqual((await listRuns(root)).map(run => run.summary.state), ['running', 'interrupted']);
  assert.equal(await lastUnfinished(root), undefined);
  await lock.release();
  assert.deepEqual((await listRuns(root)).map(run => run.summary.state), ['interrupted', 'interrupted']);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  await put(root, { '.seedmask/lock': JSON.stringify({ pid: dead, host: hostname(), token: 'x', started: '' }) });
  assert.equal((await listRuns(root))[0].summary.state, 'interrupted');
  assert.equal((await lastUnfinished(root))?.settings.saliency, false);
  await saveRun(root, record(newRunId(), 'done'));
  assert.equal(await lastUnfinished(root), undefined);
});

test('a run that goes on is known by the lock it holds, however old it is', async t => {
  const root = await tempFolder(t);
  const [old, now] = [newRunId(new Date(1000)), newRunId(new Date(2000))];
  const lock = await acquireLock(root);
  await saveRun(root, { ...record(old, 'running', { job: 'train' }), lock: lock.token });
  await saveRun(root, { ...record(now, 'running'), lock: 'of another time' });
  assert.deepEqual((await listRuns(root)).map(run => run.summary.state), ['interrupted', 'running']);
  assert.equal(await lastUnfinishedTraining(root), undefined, 'it is not unfinished: it runs');
  await lock.release();
  assert.equal((await lastUnfinishedTraining(root))?.summary.id, old);
  assert.equal((await lastUnfinished(root))?.summary.id, now, 'trainings and masks are gone on with each by itself');
});

test('the log takes lines; what cannot be written does not stop a run', async t => {
  const root = await tempFolder(t);
  const id = newRunId();
  await saveRun(root, record(id, 'running'));
  await appendLog(root, id, 'one\ntwo');
  await appendLog(root, id, 'three');
  assert.match(await readFile(join(root, '.seedmask/runs', id, 'log.txt'), 'utf8'), /^\S+Z one\n {2}two\n\S+Z three\n$/);
  await appendLog(join(root, 'gone'), id, 'x');
});

test('an id that is a way out is refused', async t => {
  const root = await tempFolder(t);
  await assert.rejects(readRun(root, '../../x'), { reason: 'refused-path' });
});
