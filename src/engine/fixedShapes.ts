/**
 * A model with its free dimensions fixed: ONNX Runtime computes what only depends on them (shape arithmetic, casts of stored weights) and writes the smaller model,
 * which `models/graph/import.ts` can read. Normalisations stay nodes of their own: folded into convolutions their weights could not be trained as they are.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRuntime, runtimeError } from './session';

const KEPT_APART = ['ConvBNFusion', 'ConvMulFusion', 'ConvAddFusion'];

/**
 * @param dimensions by the names the file gives its free dimensions
 * @throws SeedMaskError 'bad-model'
 */
export async function fixedShapes(model: Uint8Array, dimensions: Readonly<Record<string, number>>): Promise<Uint8Array> {
  const runtime = await loadRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'seedmask-model-'));
  try {
    const file = join(folder, 'fixed.onnx');
    const session = await runtime.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'basic',
      freeDimensionOverrides: dimensions,
      optimizedModelFilePath: file,
      logSeverityLevel: 3,
      extra: { optimization: { disable_specified_optimizers: KEPT_APART.join(';') } },
    });
    await session.release();
    return await readFile(file);
  } catch (error) {
    throw runtimeError(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
