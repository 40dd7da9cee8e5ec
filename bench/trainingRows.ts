/**
 * The networks whose training step is timed: as a training graph of ours, and as what `bench/pytorch/training.py` needs to make the same step. All start from the same
 * numbers and see one batch of chance numbers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '../models/graph/builder';
import { importOnnx } from '../models/graph/import';
import { storedBatchNorm } from '../models/graph/normalise';
import type { GraphDescription } from '../models/graph/serialise';
import { product, range, type Value } from '../models/graph/value';
import { softMargin } from '../models/losses';
import { decoderGroups, decoderParameters, decoderStart, decoderTrainingGraph, type StepShape } from '../models/networks/lightDecoder';
import { trainingGraph, type OptimiserOptions, type TrainingGraph } from '../models/optimisers';
import { normal, uniform } from '../models/random';
import { STANDARD } from '../models/presets';
import { fixedShapes } from '../src/engine/fixedShapes';
import type { Tensor } from '../src/shared/graph';
import { WEIGHTS } from './measure';
import { resnet50, type Norm } from './resnet50';

export interface TrainingRow {
  graph: TrainingGraph;
  start: Readonly<Record<string, Float32Array>>;
  shapes: Readonly<Record<string, readonly number[]>>;
  batch: Readonly<Record<string, Tensor>>;
  rate: number;
  /** The class of training.py that makes the step. */
  torch: string;
  /** For 'Network': the forward graph, inputs as in `batch`, parameters as in `start`, output `logits`. */
  forward?: GraphDescription;
}

const SGD: OptimiserOptions = { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 };
const ADAMW: OptimiserOptions = { kind: 'adamw', weightDecay: 1e-2 };
const CLASSES = 20;

/** Makers of the rows by name, in the order of the table. */
export const TRAINING_ROWS: Readonly<Record<string, () => Promise<TrainingRow>>> = {
  'heads: CAM, 16 photos of 768 x 20 x 20, AdamW': async () => head(16, 768, 20),
  'light decoder: 1,024 cells, 4 members of 256, 128, 21, AdamW': async () => decoder(1024),
  'Inception V3, 320 px, 4 photos, SGD': () => inception(4, 320),
  'ResNet-50, 320 px, 4 photos, SGD': async () => resnet(4, 320),
};

/** Numbers of mean 0 and deviation `deviation`. */
function chance(dims: readonly number[], seed: number, deviation = 1): Tensor & { data: Float32Array } {
  const random = uniform(seed);
  return { dims, data: Float32Array.from({ length: product(dims) }, () => deviation * normal(random)) };
}

function tags(photos: number): Tensor & { data: Float32Array } {
  const { data, dims } = chance([photos, CLASSES], 5);
  return { dims, data: data.map(x => (x > 1 ? 1 : 0)) };
}

/** Logits of the classes from maps of features: 1 x 1, then the mean over the photo. */
function classify(g: GraphBuilder, features: Value, weights: Value): Value {
  return g.mean(g.conv(features, weights), [2, 3], false);
}

interface Network {
  g: GraphBuilder;
  logits: Value;
  parameters: readonly Value[];
  start: Record<string, Float32Array>;
  batch: Record<string, Tensor>;
}

/** A network that tags photos, with the loss and the step behind it. */
function tagging({ g, logits, parameters, start, batch }: Network, optimiser: OptimiserOptions, rate: number): TrainingRow {
  const [photos] = logits.shape;
  g.output('logits', logits);
  const forward = g.describe();
  const graph = trainingGraph(g, softMargin(g, logits, g.input('tags', [photos, CLASSES])), parameters, optimiser);
  const shapes = Object.fromEntries(parameters.map(({ name, shape }) => [name, shape]));
  return { graph, start, shapes, batch: { ...batch, tags: tags(photos) }, rate, torch: 'Network', forward };
}

function head(photos: number, channels: number, side: number): TrainingRow {
  const g = new GraphBuilder('head');
  const weights = g.input('weights', [CLASSES, channels, 1, 1]);
  const features = g.input('features', [photos, channels, side, side]);
  const start = { weights: chance(weights.shape, 1, 0.03).data };
  return tagging({ g, logits: classify(g, features, weights), parameters: [weights], start, batch: { features: chance(features.shape, 2) } }, ADAMW, 1e-3);
}

/** The network of preset `standard` on 20 classes: what its stage feeds at each step. */
function decoder(cells: number): TrainingRow {
  const preset = STANDARD.training?.decoder;
  if (!preset) throw new Error('preset standard has no decoder');
  const { members, hidden, restricted } = preset;
  const inputs = preset.inputs.layers.reduce((sum, { dimensions }) => sum + dimensions, 0);
  const classes = 1 + CLASSES;
  const shape: StepShape = { members, inputs, hidden, classes, activation: false, cells, dropout: preset.dropout.hidden > 0, restricted, weights: { segmentation: 1 } };
  const shares = new Float32Array(members * cells * classes);
  range(members * cells).forEach(row => (shares[row * classes + ((row * 7) % classes)] = 1));
  const bytes = (dims: readonly number[]): Tensor => ({ dims, data: Uint8Array.from(chance(dims, 4).data, x => (x > -0.84 ? 1 : 0)) });
  return {
    graph: decoderTrainingGraph(shape, { ...ADAMW, groups: decoderGroups }),
    start: decoderStart(shape, uniform(1)),
    shapes: Object.fromEntries(decoderParameters(shape)),
    batch: {
      cells: chance([members, cells, inputs], 2),
      shares: { dims: [members, cells, classes], data: shares },
      ...(restricted && { restriction: { dims: [members, cells, classes], data: new Float32Array(shares.length) } }),
      ...(shape.dropout && { keptScale: { dims: [], data: Float32Array.of(1.25) }, ...Object.fromEntries(hidden.map((width, l) => [`kept.${l}`, bytes([members, cells, width])])) }),
    },
    rate: 1e-3,
    torch: 'Decoder',
  };
}

/** The backbone that SeedMask ships, all of it learning, as the engine reads it. */
async function inception(photos: number, side: number): Promise<TrainingRow> {
  const bytes = await fixedShapes(readFileSync(join(WEIGHTS, 'inception-v3.onnx')), { N: photos, H: side, W: side });
  const g = new GraphBuilder('inception');
  const image = g.input('image', [photos, 3, side, side]);
  const { outputs, parameters } = importOnnx(g, bytes, { inputs: { image }, trains: (_, { length }) => length === 4 || length === 1 });
  const features = outputs.get('feat');
  if (!features) throw new Error('the backbone has no output feat');
  const weights = g.input('classifier', [CLASSES, features.shape[1], 1, 1]);
  const start = { ...Object.fromEntries(parameters.map(({ value, data }) => [value.name, data])), classifier: chance(weights.shape, 1, 0.01).data };
  return tagging({ g, logits: classify(g, features, weights), parameters: [...parameters.map(({ value }) => value), weights], start, batch: { image: chance(image.shape, 2, 0.5) } }, SGD, 1e-3);
}

function resnet(photos: number, side: number): TrainingRow {
  const network = (norm: Norm): Network => {
    const g = new GraphBuilder('resnet50');
    const image = g.input('image', [photos, 3, side, side]);
    const { features, parameters } = resnet50(g, image, norm);
    const weights = g.input('classifier', [CLASSES, features.shape[1], 1, 1]);
    const all = [...parameters, weights];
    // He et al. 2015.
    const start = Object.fromEntries(all.map(({ name, shape }, i) => [name, chance(shape, 10 + i, Math.sqrt(2 / product(shape.slice(1)))).data]));
    return { g, logits: classify(g, features, weights), parameters: all, start, batch: { image: chance(image.shape, 2) } };
  };
  // Normalisations stay operators in what PyTorch runs, as its own networks have them.
  const { forward } = tagging(network((g, ...inputs) => g.op('BatchNormalization', inputs)), SGD, 1e-3);
  return { ...tagging(network(storedBatchNorm), SGD, 1e-3), forward };
}
