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

test("asked for by name a software GPU is used; 'auto' prefers the CPU and says why, with both figures", softwareGpu, async t => {
  const { env } = softwareGpuEnvironment();
  const client = new EngineClient({ ...FAKE_ENGINE, env, cacheDir: mkdtempSync(join(tmpdir(), 'seedmask-cache-')) });
  t.after(() => client.dispose());
  const named = await client.request('device', { device: 'webgpu' });
  assert.equal(named.used, 'webgpu', JSON.stringify(named));
  assert.match(named.tried[0].detail, /100 % of the nodes on the device/);
  const start = performance.now();
  const auto = await client.request('device', { device: 'auto' });
  assert.equal(auto.used, 'cpu');
  assert.match(auto.tried.find(({ device }) => device === 'webgpu')?.detail ?? '', /slower than the CPU: [\d.]+ ms against [\d.]+ ms/);
  t.diagnostic(`${named.tried[0].detail}; the second time ${Math.round(performance.now() - start)} ms`);
});
