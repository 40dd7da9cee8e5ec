/**
 * The WebGPU provider on a software driver: it computes what the CPU computes, nothing falls back in silence, and 'auto' does not take it
 * for a GPU.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAKE_ENGINE } from './fixtures/fakeClient';
import { softwareGpu, softwareGpuEnvironment } from './fixtures/softwareGpu';
import { EngineClient } from '../../src/engine/client';
import { DeviceCheck } from '../../src/engine/deviceCheck';
import { basicProbe } from '../../src/engine/probeGraph';

test('the basic operators run on WebGPU, all of them, within 1e-4 of the CPU', softwareGpu, async () => {
  const { env } = softwareGpuEnvironment();
  const child = fork(join(import.meta.dirname, 'fixtures/onDevice.ts'), ['webgpu'], { execArgv: FAKE_ENGINE.execArgv, env: { ...process.env, ...env } });
  const answer = await new Promise<{ difference?: number; error?: string }>((resolve, reject) => {
    child.once('message', message => resolve(message as { difference?: number; error?: string }));
    child.once('exit', code => reject(new Error(`no answer, code ${code}`)));
  });
  assert.equal(answer.error, undefined);
  assert.ok(answer.difference !== undefined && answer.difference < 1e-4, `difference ${answer.difference}`);
});

test("a software GPU passes the check, and the verdict is kept", softwareGpu, async t => {
  const { libraryDir, env } = softwareGpuEnvironment();
  // The probe inherits this process's environment; the loader's folder is passed as an engine would.
  const { LD_LIBRARY_PATH: _folder, ...driver } = env;
  for (const [name, value] of Object.entries(driver)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
  const check = new DeviceCheck({ file: FAKE_ENGINE.entry, execArgv: FAKE_ENGINE.execArgv }, mkdtempSync(join(tmpdir(), 'seedmask-cache-')));
  const first = await check.check('webgpu', [basicProbe(16)], { libraryDir });
  assert.ok(first.usable && first.comparisons[0].difference < 1e-4 && first.comparisons[0].onDevice === 1, JSON.stringify(first));
  assert.deepEqual(await check.check('webgpu', [basicProbe(16)], { libraryDir }), first);
});

test("'auto' prefers the CPU to a software GPU and says why, with both figures", softwareGpu, async t => {
  const { env } = softwareGpuEnvironment();
  const client = new EngineClient({ ...FAKE_ENGINE, env, cacheDir: mkdtempSync(join(tmpdir(), 'seedmask-cache-')) });
  t.after(() => client.dispose());
  const auto = await client.request('device', { device: 'auto' });
  assert.equal(auto.used, 'cpu');
  assert.match(auto.tried.find(({ device }) => device === 'webgpu')?.detail ?? '', /slower than the CPU: [\d.]+ ms against [\d.]+ ms/);
});
