/**
 * ONNX Runtime reports home unless told not to. Under a fresh home and temp folder, sessions leave no file of the runtime's.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAKE_ENGINE } from './fixtures/fakeClient';

test('sessions that ran under a fresh home leave nothing there', async () => {
  const home = mkdtempSync(join(tmpdir(), 'seedmask-home-'));
  const temp = join(home, 'tmp');
  mkdirSync(temp);
  // Without the variables that front ends set, and without CI, which would hide a leak.
  const { ORT_DISABLE_TELEMETRY: _telemetry, CI: _ci, XDG_CACHE_HOME: _cache, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, USERPROFILE: home, LOCALAPPDATA: home, APPDATA: home, TMPDIR: temp, TEMP: temp, TMP: temp };
  const child = fork(join(import.meta.dirname, 'fixtures/onDevice.ts'), ['cpu'], { execArgv: FAKE_ENGINE.execArgv, env });
  const [answer] = await Promise.all([
    new Promise(resolve => child.once('message', resolve)),
    new Promise(resolve => child.once('exit', resolve)),
  ]);
  assert.deepEqual(answer, { difference: 0 });
  // tsx keeps what it compiled in the temp folder.
  const left = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(name => !/^tmp[\\/](tsx-|node-compile-cache)/.test(name));
  assert.deepEqual(left, ['tmp']);
});
