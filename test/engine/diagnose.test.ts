/**
 * The report a person pastes: it has what a bug report needs, and nothing about the person.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeClient } from './fixtures/fakeClient';
import { newRunId, saveRun } from '../../src/dataset/runs';
import type { RunSummary } from '../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../src/shared/settings';

test('versions, devices, settings and the last runs; photo names only when asked for; no home folder', async t => {
  const root = mkdtempSync(join(tmpdir(), 'seedmask-'));
  const summary: RunSummary = {
    id: newRunId(), root, started: '2026-01-01T00:00:00Z', seconds: 9, state: 'failed', device: 'CPU, 2 threads', photos: 3, written: 1, kept: 0, skipped: 0, untagged: 0, notes: [],
    failed: ['grandma.jpg', 'passport.png'].map(photo => ({ photo, reason: 'bad-image', message: 'the file ends early' })), error: 'trip to: Rome/grandma.jpg: grandma.mask.png: the disk is full',
  };
  const settings = { ...DEFAULT_SETTINGS, device: 'cpu' as const, tagsFile: join(homedir(), 'private', 'tags.csv') };
  await saveRun(root, { settings, summary });
  const client = fakeClient(t);
  const { report } = await client.request('diagnose', { root, photoNames: false, settings });
  for (const words of [/ONNX Runtime \d+\.\d+/, /Node \d+/, /used: CPU, \d+ threads?/, /preset: "quick"/, /failed on CPU, 2 threads: 3 photos, 1 written/, /the disk is full/, /bad-image: 2/]) assert.match(report, words);
  assert.doesNotMatch(report, /grandma|passport|Rome/);
  assert.ok(!report.includes(homedir()) && report.includes(join('~', 'private')));
  assert.match((await client.request('diagnose', { root, photoNames: true, settings })).report, /grandma\.jpg: bad-image, the file ends early/);
  assert.doesNotMatch((await client.request('diagnose', { photoNames: false, settings })).report, /Last runs/);
  assert.ok((await client.request('diagnose', { root, photoNames: true, settings })).report.includes('Rome/grandma.jpg: grandma.mask.png: the disk is full'));
});

test('models: the bundled ones and a backbone of one\'s own, with size and hash, also when it cannot be loaded', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'seedmask-'));
  const backbone = join(folder, 'my-vit.onnx');
  writeFileSync(backbone, 'abc');
  const client = fakeClient(t);
  const settings = { ...DEFAULT_SETTINGS, device: 'cpu' as const };
  const own = await client.request('diagnose', { photoNames: false, settings: { ...settings, backbone } });
  assert.match(own.report, /my-vit\.onnx: 3 bytes, sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/);
  const gone = await client.request('diagnose', { photoNames: false, settings: { ...settings, backbone: join(folder, 'gone.onnx') } });
  assert.match(gone.report, /gone\.onnx: cannot be read/);
});
