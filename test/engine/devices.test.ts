/**
 * Devices: what 'auto' tries, what a missing one says, and what Set Up CUDA finds in a folder.
 */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAKE_ENGINE, fakeClient } from './fixtures/fakeClient';
import { cudaInstalled, cudaProblem, inspectCudaFolder, linkCuda, unlinkCuda } from '../../src/engine/cuda';
import { causeOf, DeviceCheck } from '../../src/engine/deviceCheck';
import { relativeDifference } from '../../src/engine/deviceProbe';
import { autoChain, DeviceChooser } from '../../src/engine/devices';
import { neededLibraries } from '../../src/engine/elf';
import { runtimeHome } from '../../src/engine/paths';
import { basicProbe } from '../../src/engine/probeGraph';
import { readProfile, shareOffCpu } from '../../src/engine/profile';
import { SeedMaskError } from '../../src/shared/errors';

const linux = { skip: process.platform === 'linux' && process.arch === 'x64' ? false : 'Linux x64 only' } as const;
const temporary = (): string => mkdtempSync(join(tmpdir(), 'seedmask-'));
const probe = { file: FAKE_ENGINE.entry, execArgv: FAKE_ENGINE.execArgv };

test("'auto' ends in the CPU on every platform", () => {
  assert.deepEqual(autoChain('linux', 'x64', true), ['cuda', 'webgpu', 'cpu']);
  assert.deepEqual(autoChain('linux', 'x64', false), ['webgpu', 'cpu']);
  assert.deepEqual(autoChain('linux', 'arm64', false), ['cpu']);
  assert.deepEqual(autoChain('win32', 'x64', false), ['directml', 'webgpu', 'cpu']);
  assert.deepEqual(autoChain('darwin', 'arm64', false), ['coreml', 'webgpu', 'cpu']);
  assert.deepEqual(autoChain('darwin', 'x64', false), ['cpu']);
});

test("'auto' finds a device that works and tells what else it tried", async t => {
  const client = fakeClient(t, { cacheDir: temporary() });
  const report = await client.request('device', { device: 'auto' });
  assert.equal(report.tried.at(-1)?.device, report.used);
  assert.ok(report.tried.slice(0, -1).every(({ ok, detail }) => !ok && detail.length > 0), JSON.stringify(report));
});

test('CUDA asked for without its provider: the missing library is named', { ...linux, skip: linux.skip || (existsSync(join(runtimeHome().libraries, 'libonnxruntime_providers_cuda.so')) && 'the provider is installed here') }, async t => {
  const chooser = new DeviceChooser({ probe, cacheDir: temporary(), weightsFolder: temporary() });
  await assert.rejects(chooser.open({ device: 'cuda' }), error => {
    assert.ok(error instanceof SeedMaskError);
    assert.equal(error.reason, 'device-unavailable');
    assert.match(error.message, /libonnxruntime_providers_\w+\.so/);
    t.diagnostic(error.message);
    return true;
  });
  const report = await fakeClient(t).request('device', { device: 'cuda' });
  assert.equal(report.used, 'none');
});

test('a device that this platform does not have is refused, not replaced', async () => {
  const other = process.platform === 'win32' ? 'coreml' : 'directml';
  const chooser = new DeviceChooser({ probe, cacheDir: temporary(), weightsFolder: temporary() });
  await assert.rejects(chooser.open({ device: other }), error => error instanceof SeedMaskError && error.reason === 'device-unavailable');
});

test('a verdict is kept: a device that computed wrongly is refused from memory, with the figure', async () => {
  const cacheDir = temporary();
  const check = new DeviceCheck(probe, cacheDir);
  const graph = basicProbe(16);
  // The CPU against itself: the machinery without a GPU.
  const verdict = await check.check('cpu', [graph]);
  assert.ok(verdict.usable && verdict.comparisons[0].difference < 1e-6);
  const file = join(cacheDir, 'devices.json');
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { difference: number | null }>;
  for (const [difference, words] of [[0.25, /'basic operators' differently from the CPU, by 25 %/], [null, /altogether/]] as const) {
    for (const entry of Object.values(kept)) entry.difference = difference;
    writeFileSync(file, JSON.stringify(kept));
    const again = await check.check('cpu', [graph]);
    assert.ok(!again.usable);
    assert.match(again.cause, words);
  }
  writeFileSync(file, '{"damaged": tru');
  assert.ok((await check.check('cpu', [graph])).usable);
});

test('a probe process that dies is a cause, and cancel ends it', async () => {
  const dying = new DeviceCheck({ file: '-e', execArgv: ['--import', 'data:text/javascript,process.abort()'] }, temporary());
  const verdict = await dying.check('webgpu', []);
  assert.ok(!verdict.usable);
  assert.match(verdict.cause, /SIGABRT|code/);
  const cancel = new AbortController();
  const waiting = new DeviceCheck(probe, temporary()).check('cpu', [basicProbe(16)], { signal: cancel.signal });
  setTimeout(() => cancel.abort(), 50);
  await assert.rejects(waiting, { name: 'AbortError' });
});

test("the cause is the loader's own word", () => {
  const line = '2026-01-01 [E:onnxruntime:, provider_bridge.cc:2251 TryGetProviderInfo_CUDA] Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory';
  assert.equal(causeOf(line, 'Failed to load shared library'), 'the library libcublasLt.so.13 is missing');
  assert.equal(causeOf('', 'No supported adapters'), 'No supported adapters');
});

test('differences are relative to the largest value, and nonsense is infinite', () => {
  const tensor = (...data: number[]) => ({ y: { dims: [data.length], data: Float32Array.from(data) } });
  assert.equal(relativeDifference(tensor(1, 2), tensor(1, 2)), 0);
  assert.equal(relativeDifference(tensor(1, 3), tensor(1, 4)), 0.25);
  assert.equal(relativeDifference(tensor(NaN, 2), tensor(1, 2)), Infinity);
  assert.equal(relativeDifference(tensor(1), tensor(1, 2)), Infinity);
  assert.equal(relativeDifference({}, tensor(1)), Infinity);
});

test('a profile tells who computed', () => {
  const node = (provider: string, dur: number) => ({ cat: 'Node', name: 'conv_kernel_time', dur, args: { provider, op_name: 'Conv' } });
  const shares = readProfile(JSON.stringify([{ cat: 'Session', name: 'model_run', dur: 9 }, node('WebGpuExecutionProvider', 3000), node('WebGpuExecutionProvider', 1000), node('WebGpuExecutionProvider', 0), node('CPUExecutionProvider', 500)]));
  assert.deepEqual(shares, [{ provider: 'WebGpuExecutionProvider', nodes: 3, milliseconds: 4 }, { provider: 'CPUExecutionProvider', nodes: 1, milliseconds: 0.5 }]);
  assert.equal(shareOffCpu(shares), 0.75);
  assert.equal(shareOffCpu([]), 0);
  assert.throws(() => readProfile('{"no":"profile"}'));
});

test('ELF: what a library needs is read from its table', linux, async () => {
  const needed = await neededLibraries(join(runtimeHome().libraries, 'libonnxruntime.so.1'));
  assert.ok(needed.includes('libc.so.6'), needed.join());
  const file = join(temporary(), 'text.so');
  writeFileSync(file, 'not a library at all'.repeat(10));
  await assert.rejects(neededLibraries(file), /ELF/);
  writeFileSync(file, '');
  await assert.rejects(neededLibraries(file), /short/);
});

/** A folder that looks like a CUDA provider: the runtime's binding stands in for its libraries. */
function providerFolder(version?: string): string {
  const folder = temporary();
  const binding = join(runtimeHome().libraries, 'onnxruntime_binding.node');
  for (const name of ['cuda', 'shared']) symlinkSync(binding, join(folder, `libonnxruntime_providers_${name}.so`));
  if (version !== undefined) writeFileSync(join(folder, `libonnxruntime.so.${version}`), '');
  return folder;
}

test('Set Up CUDA: a folder without the provider, of another version, and one that fits', linux, async () => {
  const runtime = '9.9.9';
  assert.match(cudaProblem(await inspectCudaFolder(temporary()), runtime) ?? '', /has no libonnxruntime_providers_cuda\.so and no/);
  assert.match(cudaProblem(await inspectCudaFolder(join(temporary(), 'nowhere')), runtime) ?? '', /has no/);
  assert.match(cudaProblem(await inspectCudaFolder(providerFolder('1.2.3')), runtime) ?? '', /belongs to ONNX Runtime 1\.2\.3, the bundled runtime is 9\.9\.9/);
  assert.equal(cudaProblem(await inspectCudaFolder(providerFolder('9.9.9')), runtime), undefined);
});

test('Set Up CUDA: libraries that the loader would not find are listed', linux, async () => {
  const folder = temporary();
  symlinkSync(join(runtimeHome().libraries, 'onnxruntime_binding.node'), join(folder, 'libonnxruntime_providers_cuda.so'));
  writeFileSync(join(folder, 'VERSION_NUMBER'), '1.30.0\n');
  const found = await inspectCudaFolder(folder);
  assert.equal(found.version, '1.30.0');
  assert.deepEqual(found.missingFiles, ['libonnxruntime_providers_shared.so']);
  assert.ok(found.missingLibraries.includes('libonnxruntime.so.1'), found.missingLibraries.join());
  assert.ok(!found.missingLibraries.includes('libc.so.6'));
});

test('Set Up CUDA: links in, again, elsewhere, and takes away only links', linux, async () => {
  const libraries = temporary();
  const [first, second] = [providerFolder('9.9.9'), providerFolder('9.9.9')];
  assert.equal(await cudaInstalled(libraries), false);
  await linkCuda(first, libraries, '9.9.9');
  await linkCuda(first, libraries, '9.9.9');
  assert.equal(await cudaInstalled(libraries), true);
  await linkCuda(second, libraries, '9.9.9');
  const link = join(libraries, 'libonnxruntime_providers_cuda.so');
  assert.equal(readlinkSync(link), join(second, 'libonnxruntime_providers_cuda.so'));
  await assert.rejects(linkCuda(providerFolder('1.2.3'), libraries, '9.9.9'), error => error instanceof SeedMaskError && error.reason === 'device-unavailable');
  await unlinkCuda(libraries);
  assert.equal(await cudaInstalled(libraries), false);
  mkdirSync(libraries, { recursive: true });
  writeFileSync(link, 'a real file');
  await linkCuda(second, libraries, '9.9.9');
  await unlinkCuda(libraries);
  assert.ok(lstatSync(link).isFile());
});

test('Set Up CUDA: a provider that cannot be loaded tells all that is missing, and leaves no link when it is given up', { ...linux, skip: linux.skip || (existsSync(join(runtimeHome().libraries, 'libonnxruntime_providers_cuda.so')) && 'the provider is installed here') }, async t => {
  const folder = providerFolder(runtimeHome().version);
  const chooser = new DeviceChooser({ probe, cacheDir: temporary(), weightsFolder: temporary() });
  t.after(() => unlinkCuda(runtimeHome().libraries));
  await assert.rejects(chooser.open({ device: 'cuda', cudaProviderDir: folder }), error => {
    assert.ok(error instanceof SeedMaskError && error.reason === 'device-unavailable');
    assert.match(error.message, /not found on this machine: .*libonnxruntime\.so\.1/);
    return true;
  });
  assert.equal((await chooser.open({ device: 'cpu' })).report.used, 'cpu');
  assert.equal(await cudaInstalled(runtimeHome().libraries), false);
});
