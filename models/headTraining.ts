/**
 * Learns the tag heads: full-batch L-BFGS on the training-step graph of `heads.ts`. The problem is convex and has at most some hundred
 * thousand numbers, so a few dozen passes over the pooled features reach its minimum, with no learning rate to choose and no chance
 * involved: same data, same heads.
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../src/shared/graph';
import { headLossGraph } from './heads';
import { minimise } from './lbfgs';

export interface HeadData {
  /** photos x channels, row-major: pooled features, each channel divided by its root mean square over the data set. */
  features: Float32Array;
  /** photos x classes, row-major: 1 where the photo has the tag, else 0. */
  targets: Float32Array;
  photos: number;
  channels: number;
  classes: number;
  /** How much each photo counts; all alike if left out. Only ratios matter. */
  photoWeights?: Float32Array;
}

export interface HeadOptions {
  /** Strength of the pull of the weights towards the anchor, relative to the mean loss of a photo. */
  decay: number;
  /** classes x channels: where the pull leads (and the search starts); zeros if left out. */
  anchor?: Float32Array;
  /** Biases at the start: most tags are absent from most photos. */
  biasStart?: number;
  iterations?: number;
  tolerance?: number;
  /** Photos per run of the graph. */
  chunk?: number;
  signal?: AbortSignal;
}

export interface Heads {
  /** classes x channels, row-major. */
  weights: Float32Array;
  bias: Float32Array;
  classes: number;
  channels: number;
}

export interface TrainedHeads extends Heads {
  /** Mean over photos of the summed cross entropy, plus the pull. */
  loss: number;
  iterations: number;
}

const DEFAULTS = { biasStart: -3, iterations: 60, tolerance: 1e-6, chunk: 1024 };

/**
 * @throws SeedMaskError 'nothing-to-learn' without photos or classes, 'numeric' if the loss is not finite, 'cancelled' by the signal.
 */
export async function trainHeads(host: GraphHost, data: HeadData, options: HeadOptions): Promise<TrainedHeads> {
  const { photos, channels, classes, features, targets } = data;
  if (!photos || !classes) throw new SeedMaskError('nothing-to-learn', 'there are no tagged photos to learn from');
  if (features.length !== photos * channels || targets.length !== photos * classes) throw new Error('features or targets do not have the announced size');
  const settings = { ...DEFAULTS, ...options };
  const size = classes * channels;
  const anchor = options.anchor ?? new Float32Array(size);
  const chunks = chunksOf(data, Math.min(settings.chunk, photos));
  const runner = await host.open(headLossGraph({ photos: Math.min(settings.chunk, photos), channels, classes }));
  try {
    const start = new Float64Array(size + classes);
    start.set(anchor);
    start.fill(settings.biasStart, size);
    const evaluate = async (point: Float64Array) => {
      options.signal?.throwIfAborted();
      const state = {
        weights: { dims: [classes, channels], data: new Float32Array(point.subarray(0, size)) },
        bias: { dims: [classes], data: new Float32Array(point.subarray(size)) },
        anchor: { dims: [classes, channels], data: anchor },
      };
      return lossOf(runner, chunks, state, settings.decay, size + classes);
    };
    const first = await evaluate(start);
    if (!Number.isFinite(first.value)) throw new SeedMaskError('numeric', 'the loss of the tag heads is not a number: the features hold NaN or infinity');
    const { point, value, iterations } = await minimise(evaluate, start, settings);
    if (!point.every(Number.isFinite)) throw new SeedMaskError('numeric', 'the tag heads hold numbers that are not finite');
    return { weights: new Float32Array(point.subarray(0, size)), bias: new Float32Array(point.subarray(size)), classes, channels, loss: value, iterations };
  } catch (error) {
    if (options.signal?.aborted) throw new SeedMaskError('cancelled', 'cancelled', undefined, { cause: error });
    throw error;
  } finally {
    await runner.release();
  }
}

type Feeds = Record<string, Tensor>;

/** The data cut into chunks of one size; the last one is filled up with photos of weight 0. */
function chunksOf({ features, targets, photoWeights, photos, channels, classes }: HeadData, chunk: number): Feeds[] {
  const weights = photoWeights ?? new Float32Array(photos).fill(1);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const shares = weights.map(w => w / total);
  return Array.from({ length: Math.ceil(photos / chunk) }, (_, i) => {
    const rows = (data: Float32Array, width: number): Tensor => {
      const part = data.subarray(i * chunk * width, Math.min(photos, (i + 1) * chunk) * width);
      if (part.length === chunk * width) return { dims: [chunk, width], data: part };
      const filled = new Float32Array(chunk * width);
      filled.set(part);
      return { dims: [chunk, width], data: filled };
    };
    return { features: rows(features, channels), targets: rows(targets, classes), photoWeights: { dims: [chunk], data: rows(shares, 1).data } };
  });
}

async function lossOf(runner: GraphRunner, chunks: readonly Feeds[], state: Feeds, decay: number, size: number): Promise<{ value: number; gradient: Float64Array }> {
  let value = 0;
  const gradient = new Float64Array(size);
  for (const [i, chunk] of chunks.entries()) {
    // The pull counts once, not once per chunk.
    const results = await runner.run({ ...chunk, ...state, decay: { dims: [], data: Float32Array.of(i ? 0 : decay) } });
    value += floats(results, 'loss').data[0];
    const { data: dWeights } = floats(results, 'dWeights');
    const { data: dBias } = floats(results, 'dBias');
    for (let k = 0; k < dWeights.length; k++) gradient[k] += dWeights[k];
    for (let k = 0; k < dBias.length; k++) gradient[dWeights.length + k] += dBias[k];
  }
  return { value, gradient };
}
