/** A training on WebGPU, on a software driver: the steps are the CPU's, and asking for halves is answered, whether the driver has them or not. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAKE_ENGINE } from './fixtures/fakeClient';
import { softwareGpu, softwareGpuEnvironment } from './fixtures/softwareGpu';

test('training steps on WebGPU are those of the CPU', softwareGpu, async () => {
  const child = fork(join(import.meta.dirname, 'fixtures/trainOnDevice.ts'), ['webgpu'], { execArgv: FAKE_ENGINE.execArgv, env: { ...process.env, ...softwareGpuEnvironment().env }, stdio: 'ignore' });
  const answer = await new Promise<{ there: number[]; here: number[]; halves: boolean; error?: string }>((resolve, reject) => {
    child.once('message', message => resolve(message as { there: number[]; here: number[]; halves: boolean }));
    child.once('exit', code => reject(new Error(`no answer, code ${code}`)));
  });
  assert.equal(answer.error, undefined);
  answer.here.forEach((loss, i) => assert.ok(Math.abs(loss - answer.there[i]) < 1e-4 * loss, `step ${i}: ${answer.there[i]}, on the CPU ${loss}`));
  assert.ok(answer.here[2] < answer.here[0]);
  assert.equal(typeof answer.halves, 'boolean');
});
