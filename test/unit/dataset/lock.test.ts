import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../../src/dataset/lock';
import { put, tempFolder } from './temp';

const lockOf = (pid: number, host = hostname()): string => JSON.stringify({ pid, host, token: 'theirs', started: '2026-01-01T00:00:00Z' });

test('the second taker is told who holds it; after release it may', async t => {
  const root = await tempFolder(t);
  const first = await acquireLock(root);
  await assert.rejects(acquireLock(root), { reason: 'locked', message: new RegExp(`process ${process.pid} on ${hostname()}`) });
  await first.release();
  assert.deepEqual(await readdir(join(root, '.seedmask')), []);
  await (await acquireLock(root)).release();
});

test('of many takers at once exactly one wins', async t => {
  const root = await tempFolder(t);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const stale of [false, true]) {
    if (stale) await put(root, { '.seedmask/lock': lockOf(dead) });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(root)));
    const held = [];
    for (const result of results) {
      if (result.status === 'fulfilled' && (await result.value.held())) held.push(result.value);
    }
    assert.equal(held.length, 1);
    for (const result of results) if (result.status === 'fulfilled') await result.value.release();
    assert.deepEqual(await readdir(join(root, '.seedmask')), []);
  }
});

test('the lock of a dead process is taken over, that of a living one is not', async t => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const root = await tempFolder(t, { '.seedmask/lock': lockOf(dead) });
  const lock = await acquireLock(root);
  assert.equal(JSON.parse(await readFile(join(root, '.seedmask/lock'), 'utf8')).pid, process.pid);
  await lock.release();
  await put(root, { '.seedmask/lock': lockOf(process.ppid) });
  await assert.rejects(acquireLock(root), { reason: 'locked' });
});

test("another host's lock holds while its heart beats", async t => {
  const root = await tempFolder(t, { '.seedmask/lock': lockOf(1, 'elsewhere') });
  const file = join(root, '.seedmask/lock');
  await assert.rejects(acquireLock(root), { reason: 'locked', message: /elsewhere/ });
  const before = new Date(Date.now() - 61_000);
  await utimes(file, before, before);
  const lock = await acquireLock(root);
  assert.equal(await lock.held(), true);
  await put(root, { '.seedmask/lock': lockOf(1, 'elsewhere') });
  assert.equal(await lock.held(), false);
  await lock.release();
  assert.match(await readFile(file, 'utf8'), /elsewhere/, 'a lock that was taken over is not ours to remove');
});

test('a damaged lock holds until it is old', async t => {
  const root = await tempFolder(t, { '.seedmask/lock': '{' });
  await assert.rejects(acquireLock(root), { reason: 'locked' });
});

test('the heart beats', async t => {
  const root = await tempFolder(t);
  const lock = await acquireLock(root, 20);
  const old = new Date(Date.now() - 50_000);
  await utimes(join(root, '.seedmask/lock'), old, old);
  for (let i = 0; i < 100 && (await stat(join(root, '.seedmask/lock'))).mtimeMs < old.getTime() + 1000; i++) await sleep(20);
  assert.ok((await stat(join(root, '.seedmask/lock'))).mtimeMs > old.getTime() + 1000);
  await lock.release();
});
