/**
 * Graphs on ONNX Runtime. One host is one device; it loads the runtime when the first graph is opened, shares a session among all who open the
 * same model (by the hash of its bytes), and turns the runtime's complaints into reasons a person can act on.
 *
 * `run` blocks this process's thread while the model computes: that is why the engine is a process of its own.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type * as ort from 'onnxruntime-node';
import { SeedMaskError } from '../shared/errors';
import type { GraphHost, GraphRunner, Tensor } from '../shared/graph';
import type { DeviceName } from '../shared/settings';

/** A device that a session can be opened on. */
export type ConcreteDevice = Exclude<DeviceName, 'auto'>;

export interface SessionOptions {
  /** Threads of the CPU provider. */
  threads?: number;
  /** Refuse graphs of which any node would fall back to the CPU. */
  noFallback?: boolean;
  /** Record a profile; the file's name begins with this path. */
  profilePrefix?: string;
  /** Look for NaN and infinity in what a graph returns (default true). */
  checkFinite?: boolean;
}

/** An open graph that knows what was loaded. */
export interface OpenGraph extends GraphRunner {
  /** sha256 of the model's bytes, hex. */
  readonly modelHash: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

interface SharedSession {
  session: ort.InferenceSession;
  users: number;
}

let lost = false;

/** A device was lost while it computed (driver reset, sleep): the runtime cannot open it again in this process. */
export function deviceWasLost(): boolean {
  return lost;
}

/** The runtime, loaded at the first call, with its telemetry off and CUDA's shortened floats, too, which would differ from the CPU's. */
export async function loadRuntime(): Promise<typeof ort> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  return import('onnxruntime-node');
}

export class OnnxHost implements GraphHost {
  private readonly sessions = new Map<string, Promise<SharedSession>>();

  constructor(
    readonly device: ConcreteDevice,
    private readonly options: SessionOptions = {},
  ) {}

  /**
   * @param model bytes of an ONNX file, or its path; weights must be inside it.
   * @throws SeedMaskError 'bad-model', 'out-of-memory', 'device-unavailable'
   */
  async open(model: Uint8Array | string): Promise<OpenGraph> {
    const file = typeof model === 'string' ? model : undefined;
    const bytes = typeof model === 'string' ? await readModel(model) : model;
    const modelHash = createHash('sha256').update(bytes).digest('hex');
    const opening = this.sessions.get(modelHash) ?? this.create(bytes, modelHash, file);
    const shared = await opening;
    shared.users++;
    let open = true;
    return {
      modelHash,
      inputs: shared.session.inputNames,
      outputs: shared.session.outputNames,
      run: async (feeds, outputs) => {
        if (!open) throw new Error('the graph was released');
        return this.run(shared.session, feeds, outputs, file);
      },
      release: async () => {
        if (!open) return;
        open = false;
        if (--shared.users > 0) return;
        this.sessions.delete(modelHash);
        await shared.session.release();
      },
    };
  }

  /** Writes the profiles that `profilePrefix` asked for. */
  async endProfiling(): Promise<void> {
    for (const shared of this.sessions.values()) (await shared).session.endProfiling();
  }

  private create(bytes: Uint8Array, modelHash: string, file: string | undefined): Promise<SharedSession> {
    const opening = (async (): Promise<SharedSession> => {
      const runtime = await loadRuntime();
      try {
        return { session: await runtime.InferenceSession.create(bytes, sessionOptions(this.device, this.options)), users: 0 };
      } catch (error) {
        throw runtimeError(error, file);
      }
    })();
    this.sessions.set(modelHash, opening);
    opening.catch(() => this.sessions.delete(modelHash));
    return opening;
  }

  private async run(session: ort.InferenceSession, feeds: Record<string, Tensor>, wanted: readonly string[] | undefined, file: string | undefined): Promise<Record<string, Tensor>> {
    const runtime = await loadRuntime();
    const inputs: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(feeds)) inputs[name] = new runtime.Tensor(runtimeType(tensor.data), tensor.data, tensor.dims);
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = wanted ? await session.run(inputs, wanted) : await session.run(inputs);
    } catch (error) {
      const reason = runtimeError(error, file);
      if (reason instanceof SeedMaskError && reason.reason === 'device-unavailable') lost = true;
      throw reason;
    }
    const outputs: Record<string, Tensor> = {};
    for (const [name, { data, dims }] of Object.entries(results)) {
      if (!isTensorData(data)) throw new Error(`graph output '${name}' has a type that is not supported`);
      if (data instanceof Float32Array && this.options.checkFinite !== false) assertFinite(data, `graph output '${name}'`);
      outputs[name] = { data, dims };
    }
    return outputs;
  }
}

/** The runtime's name and options for a device. */
export function executionProvider(device: ConcreteDevice): ort.InferenceSession.ExecutionProviderConfig {
  switch (device) {
    case 'webgpu':
      // Our graphs are NCHW; in the provider's default layout it would transpose around every convolution.
      return { name: 'webgpu', preferredLayout: 'NCHW' };
    case 'directml': return 'dml';
    case 'cuda':
    case 'coreml':
    case 'cpu': return device;
  }
}

function sessionOptions(device: ConcreteDevice, options: SessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [executionProvider(device)],
    // Photos of many sizes make many patterns, each of which would keep its own arena.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...(options.profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    extra: { session: { ...(options.noFallback && { disable_cpu_ep_fallback: '1' }) } },
  };
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new SeedMaskError('bad-model', `the model cannot be read: ${error instanceof Error ? error.message : String(error)}`, path, { cause: error });
  }
}

const OUT_OF_MEMORY = /bad_alloc|out[ _-]of[ _-](device[ _-]|host[ _-])?memory|failed to allocate memory|cudaErrorMemoryAllocation|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|BFCArena|E_OUTOFMEMORY|array buffer allocation failed|exceeds? the max(imum)? (buffer|storage buffer)/i;
const DEVICE_LOST = /device (is |was )?lost|DXGI_ERROR_DEVICE_(REMOVED|RESET|HUNG)|VK_ERROR_DEVICE_LOST|cudaErrorDevicesUnavailable|unspecified launch failure/i;
const NO_DEVICE = /failed to get a WebGPU adapter|backend not found|OrtSessionOptionsAppendExecutionProvider|failed to load shared library|no CUDA-capable device/i;
const BAD_MODEL = /protobuf parsing failed|INVALID_PROTOBUF|INVALID_GRAPH|Load model|NO_MODEL|NOT_IMPLEMENTED|not a registered function|external data|initializer/i;

/** What the runtime threw, as an error with a reason where it is one we know; an unknown one comes back as it is. */
export function runtimeError(error: unknown, file?: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (OUT_OF_MEMORY.test(message)) return new SeedMaskError('out-of-memory', `the device ran out of memory (${firstLine(message)})`, file, options);
  if (DEVICE_LOST.test(message)) return new SeedMaskError('device-unavailable', `the device was lost (${firstLine(message)})`, file, options);
  if (NO_DEVICE.test(message)) return new SeedMaskError('device-unavailable', firstLine(message), file, options);
  if (BAD_MODEL.test(message)) return new SeedMaskError('bad-model', firstLine(message), file, options);
  return error instanceof Error ? error : new Error(message);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0].trim();
}

/** @throws SeedMaskError 'numeric' where `data` holds NaN or infinity. */
export function assertFinite(data: Float32Array, what: string, file?: string): void {
  // x * 0 is 0 for every finite x and NaN for the others: one pass without a branch, in four sums that need not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (let i = whole; i < data.length; i++) a += data[i] * 0;
  if (a + b + c + d !== 0) throw new SeedMaskError('numeric', `${what} holds values that are not numbers`, file);
}

function runtimeType(data: Tensor['data']): 'float32' | 'uint8' | 'uint16' | 'int32' | 'int64' {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Uint16Array) return 'uint16';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

function isTensorData(data: unknown): data is Tensor['data'] {
  return [Float32Array, Uint8Array, Uint16Array, Int32Array, BigInt64Array].some(type => data instanceof type);
}
