/**
 * The process that tries one device: it opens graphs there, runs them, runs them on the CPU too, and reports the figures. It is a process of its own
 * because a broken driver may abort the one it is loaded into, because the loader names a missing library on stderr only, and because what
 * a device takes is given back at exit.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { basicProbe, type Probe } from './probeGraph';
import { readProfile, shareOffCpu } from './profile';
import { OnnxHost, type ConcreteDevice } from './session';
import { describeError } from '../shared/errors';
import type { GraphRunner, Tensor } from '../shared/graph';

export interface ProbeTask {
  device: ConcreteDevice;
  /** Graphs to compare with the CPU, one after another; with none, only whether the device opens. */
  probes: Probe[];
  /** A device that is hopelessly slower than the CPU need not go on. */
  stopWhenSlow: boolean;
}

/** Largest difference to the CPU that is rounding: single precision through a hundred layers stays well below, a wrong kernel is far above. */
export const TOLERANCE = 2e-3;
/** So many times slower than the CPU on one graph, a device will not catch up on another. */
const HOPELESS = 3;

/** How one graph fared on a device. */
export interface Comparison {
  name: string;
  /** Largest difference to the CPU's result, relative to the largest magnitude in it. */
  difference: number;
  /** Of the second run, in milliseconds. */
  deviceMs: number;
  cpuMs: number;
  /** Part of the nodes that really ran on the device, 0..1. */
  onDevice: number;
}

export type ProbeAnswer = { ok: true; comparisons: Comparison[] } | { ok: false; message: string };

/** Main function of the probe process: one task, one answer, the end. */
export function runProbe(): void {
  process.once('message', task => {
    // Our own parent wrote it.
    void probe(task as ProbeTask)
      .catch((error: unknown): ProbeAnswer => ({ ok: false, message: describeError(error) }))
      .then(answer => process.send?.(answer, undefined, undefined, () => process.exit(0)));
  });
  process.once('disconnect', () => process.exit(0));
}

async function probe({ device, probes, stopWhenSlow }: ProbeTask): Promise<ProbeAnswer> {
  await (await new OnnxHost(device).open(basicProbe(16).model)).release();
  const comparisons: Comparison[] = [];
  for (const one of probes) {
    const comparison = await compare(device, one);
    comparisons.push(comparison);
    if (settled(comparison, stopWhenSlow)) break;
  }
  return { ok: true, comparisons };
}

/** Whether one graph was enough to turn the device down. */
export function settled({ difference, deviceMs, cpuMs }: Comparison, stopWhenSlow: boolean): boolean {
  return !(difference <= TOLERANCE) || (stopWhenSlow && deviceMs > HOPELESS * cpuMs);
}

async function compare(device: ConcreteDevice, { name, model, feeds }: Probe): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'seedmask-probe-'));
  try {
    // NaN is a finding here, not a failure.
    const host = new OnnxHost(device, { profilePrefix: join(folder, 'profile'), checkFinite: false });
    const runner = await host.open(model);
    const on = await timed(runner, feeds);
    await host.endProfiling();
    await runner.release();
    const reference = await new OnnxHost('cpu', { checkFinite: false }).open(model);
    const cpu = await timed(reference, feeds);
    await reference.release();
    const [profile] = await readdir(folder);
    const shares = profile ? readProfile(await readFile(join(folder, profile), 'utf8')) : [];
    return { name, difference: relativeDifference(on.outputs, cpu.outputs), deviceMs: on.ms, cpuMs: cpu.ms, onDevice: shareOffCpu(shares) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first run compiles and allocates; the second counts. */
async function timed(runner: GraphRunner, feeds: Record<string, Tensor>): Promise<{ outputs: Record<string, Tensor>; ms: number }> {
  await runner.run(feeds);
  const start = performance.now();
  const outputs = await runner.run(feeds);
  return { outputs, ms: performance.now() - start };
}

/** The worst output's largest |a - b| over the largest |b|; infinite where shapes differ or a value is not a number. */
export function relativeDifference(outputs: Record<string, Tensor>, expected: Record<string, Tensor>): number {
  let worst = 0;
  for (const [name, { data, dims }] of Object.entries(expected)) {
    const got = outputs[name];
    if (!got || got.dims.join() !== dims.join()) return Infinity;
    let scale = 0;
    let difference = 0;
    for (let i = 0; i < data.length; i++) {
      const distance = Math.abs(Number(got.data[i]) - Number(data[i]));
      if (!(distance < Infinity)) return Infinity;
      scale = Math.max(scale, Math.abs(Number(data[i])));
      difference = Math.max(difference, distance);
    }
    if (difference > 0) worst = Math.max(worst, difference / (scale || 1));
  }
  return worst;
}
