/**
 * Which device computes. 'auto' tries the platform's devices, best first, and takes the first that opens, computes right and is not slower than
 * the CPU (a software driver poses as a GPU). A device asked for by name is used or refused with the cause; never silently replaced.
 */
import { availableParallelism } from 'node:os';
import { cudaInstalled, inspectCudaFolder, linkCuda, unlinkCuda } from './cuda';
import { DeviceCheck, type ProbeEntry } from './deviceCheck';
import type { Comparison } from './deviceProbe';
import { modelProbes, type RunModels } from './modelProbes';
import { runtimeHome } from './paths';
import { basicProbe } from './probeGraph';
import { OnnxHost, type ConcreteDevice } from './session';
import { SeedMaskError, describeError } from '../shared/errors';
import type { DeviceReport } from '../shared/protocol';
import type { DeviceName } from '../shared/settings';

/** A run's settings are one. */
export interface DeviceRequest extends RunModels {
  device: DeviceName;
  cudaProviderDir?: string | undefined;
}

export interface OpenDevice {
  name: ConcreteDevice;
  report: DeviceReport;
  host: OnnxHost;
}

/** What 'auto' tries, best first. */
export function autoChain(platform: NodeJS.Platform, arch: string, cuda: boolean): ConcreteDevice[] {
  if (platform === 'linux' && arch === 'x64') return cuda ? ['cuda', 'webgpu', 'cpu'] : ['webgpu', 'cpu'];
  if (platform === 'win32') return ['directml', 'webgpu', 'cpu'];
  if (platform === 'darwin' && arch === 'arm64') return ['coreml', 'webgpu', 'cpu'];
  return ['cpu'];
}

/** A device's name for people. */
export function deviceLabel(device: ConcreteDevice): string {
  switch (device) {
    case 'cpu': return `CPU, ${threads()} thread${threads() === 1 ? '' : 's'}`;
    case 'cuda': return 'CUDA:0';
    case 'webgpu': return 'WebGPU';
    case 'directml': return 'DirectML';
    case 'coreml': return 'Core ML';
  }
}

export class DeviceChooser {
  private readonly check: DeviceCheck;
  private readonly weightsFolder: string;
  private readonly hosts = new Map<ConcreteDevice, OnnxHost>();
  private readonly answers = new Map<string, Promise<OpenDevice>>();

  /** @param weightsFolder where the bundled models lie */
  constructor({ probe, cacheDir, weightsFolder }: { probe: ProbeEntry; cacheDir: string; weightsFolder: string }) {
    this.check = new DeviceCheck(probe, cacheDir);
    this.weightsFolder = weightsFolder;
  }

  /** @throws SeedMaskError 'device-unavailable' with the cause, when a device asked for by name cannot be used; 'bad-model'. */
  open(request: DeviceRequest, signal?: AbortSignal): Promise<OpenDevice> {
    const key = JSON.stringify([request.device, request.cudaProviderDir, request.backbone, request.saliency ?? true, request.marsFeatures]);
    const answer = this.answers.get(key) ?? this.choose(request, signal);
    this.answers.set(key, answer);
    answer.catch(() => this.answers.delete(key));
    return answer;
  }

  private async choose(request: DeviceRequest, signal?: AbortSignal): Promise<OpenDevice> {
    const { device: asked, cudaProviderDir } = request;
    const tried: DeviceReport['tried'] = [];
    for (const device of await this.chain(asked, cudaProviderDir, tried)) {
      const { ok, detail } = await this.attempt(device, request, signal);
      tried.push({ device, ok, detail });
      if (ok) return { name: device, host: this.hostOf(device), report: { asked, used: device, label: deviceLabel(device), tried } };
      if (asked !== 'auto') throw new SeedMaskError('device-unavailable', `${deviceLabel(device)} cannot be used: ${detail}`);
    }
    throw new SeedMaskError('device-unavailable', 'no device can be used');
  }

  private async chain(asked: DeviceName, cudaProviderDir: string | undefined, tried: DeviceReport['tried']): Promise<ConcreteDevice[]> {
    const onLinux = process.platform === 'linux' && process.arch === 'x64';
    const { libraries } = runtimeHome();
    if (onLinux && cudaProviderDir === undefined) await unlinkCuda(libraries);
    if (asked !== 'auto') return [asked];
    const cuda = onLinux && (cudaProviderDir !== undefined || (await cudaInstalled(libraries)));
    if (onLinux && !cuda) tried.push({ device: 'cuda', ok: false, detail: 'no folder with the CUDA provider is set' });
    return autoChain(process.platform, process.arch, cuda);
  }

  private async attempt(device: ConcreteDevice, request: DeviceRequest, signal: AbortSignal | undefined): Promise<{ ok: boolean; detail: string }> {
    const { device: asked, cudaProviderDir } = request;
    const auto = asked === 'auto';
    if (device === 'cpu') return { ok: true, detail: 'the reference' };
    try {
      if (device === 'cuda' && cudaProviderDir !== undefined) await linkProvider(cudaProviderDir);
      const probes = [basicProbe(), ...(await modelProbes(this.weightsFolder, request, auto))];
      const libraryDir = device === 'cuda' ? cudaProviderDir : undefined;
      const verdict = await this.check.check(device, probes, { stopWhenSlow: auto, libraryDir, signal });
      if (!verdict.usable) return { ok: false, detail: `${verdict.cause}${device === 'cuda' ? await alsoMissing(cudaProviderDir) : ''}` };
      const slow = auto ? slower(verdict.comparisons) : undefined;
      return slow ? { ok: false, detail: slow } : { ok: true, detail: figures(verdict.comparisons) };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SeedMaskError && error.reason === 'bad-model') throw error;
      return { ok: false, detail: describeError(error) };
    }
  }

  private hostOf(device: ConcreteDevice): OnnxHost {
    const host = this.hosts.get(device) ?? new OnnxHost(device, { threads: threads() });
    this.hosts.set(device, host);
    return host;
  }
}

/** The loader stops at the first library it misses; a person wants to know all of them. */
async function alsoMissing(folder: string | undefined): Promise<string> {
  if (folder === undefined || process.platform !== 'linux') return '';
  const { missingLibraries } = await inspectCudaFolder(folder);
  return missingLibraries.length > 0 ? `; not found on this machine: ${missingLibraries.join(', ')}` : '';
}

async function linkProvider(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const { libraries, version } = runtimeHome();
  await linkCuda(folder, libraries, version);
}

function threads(): number {
  return availableParallelism();
}

/** Why 'auto' leaves a device that works: all checks together took longer than on the CPU. */
function slower(comparisons: readonly Comparison[]): string | undefined {
  const deviceMs = comparisons.reduce((sum, one) => sum + one.deviceMs, 0);
  const cpuMs = comparisons.reduce((sum, one) => sum + one.cpuMs, 0);
  return deviceMs > cpuMs ? `it computes right, but slower than the CPU: ${deviceMs.toFixed(1)} ms against ${cpuMs.toFixed(1)} ms` : undefined;
}

function figures(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(one => `${one.name}: ${one.deviceMs.toFixed(1)} ms (CPU ${one.cpuMs.toFixed(1)} ms), difference ${(one.difference * 100).toPrecision(2)} %, ${Math.round(one.onDevice * 100)} % of the nodes on the device`)
    .join('; ');
}
