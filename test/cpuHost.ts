/** Runs graphs on the real runtime's CPU provider, for tests of what `models/` builds. */
process.env.ORT_DISABLE_TELEMETRY = '1';
import type { GraphHost, GraphRunner, Tensor } from '../src/shared/graph';

const TYPES = [
  ['float32', Float32Array], ['uint8', Uint8Array], ['float16', Uint16Array], ['int32', Int32Array], ['int64', BigInt64Array],
] as const;

/** `options` go to `InferenceSession.create`, e.g. `{ graphOptimizationLevel: 'disabled' }`. */
export function cpuHost(options: Record<string, unknown> = {}): GraphHost {
  return {
    async open(model): Promise<GraphRunner> {
      const ort = await import('onnxruntime-node');
      const settings = { executionProviders: ['cpu'], intraOpNumThreads: 2, logSeverityLevel: 3 as const, ...options };
      const session = typeof model === 'string' ? await ort.InferenceSession.create(model, settings) : await ort.InferenceSession.create(model, settings);
      return {
        async run(feeds) {
          const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { data, dims }]) => {
            const type = TYPES.find(([, array]) => data instanceof array);
            if (!type) throw new Error(`no tensor type for '${name}'`);
            return [name, new ort.Tensor(type[0], data, dims)];
          }));
          const outputs = await session.run(inputs);
          return Object.fromEntries(Object.entries(outputs).map(([name, { data, dims }]) => [name, { data, dims } as Tensor]));
        },
        release: () => session.release(),
      };
    },
  };
}

/** Opens `model`, runs it once and closes it. */
export async function runOnce(model: Uint8Array, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const runner = await cpuHost().open(model);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.release();
  }
}
