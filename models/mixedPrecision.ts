/**
 * Mixed precision (Micikevicius et al., ICLR 2018): convolutions and matrix products, and what only moves or gates their results, in half precision, forward and (since
 * gradients follow the types of values) backward; normalisations, sums, softmax, losses, master weights and their updates in single precision. Halves end at 65504 and
 * lose what is below 6e-8, so the loss is scaled before it is differentiated: a step whose gradients are not finite is left out and halves the scale, a long row of good
 * ones doubles it (`lossScaling.ts`). State and checkpoints are those of single precision and the scale.
 *
 *     const { g, loss, parameters } = inMixedPrecision(lossGraph(batch));
 *     trainingGraph(g, loss, parameters, { kind: 'sgd', lossScale: LOSS_SCALE });
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type GraphHost } from '../src/shared/graph';
import { GraphBuilder } from './graph/builder';
import type { OpName } from './graph/shapes';
import type { DType, Value } from './graph/value';
import { finiteOrZero } from './lossScaling';

/** A loss under construction. */
export interface LossParts {
  g: GraphBuilder;
  loss: Value;
  parameters: readonly Value[];
}

/** Always in half precision: where the time goes, and where devices have units of their own for it. */
const HALF = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

/** In half precision where what they work on is: each result is one of the inputs' numbers, or a sum of few. */
const FOLLOW = new Set([
  'Identity', 'Relu', 'Clip', 'LeakyRelu', 'Add', 'Sub', 'Concat', 'Split', 'Slice', 'Pad', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Expand',
  'MaxPool', 'AveragePool', 'Gather', 'Resize',
]);

/** The same loss in mixed precision, in a graph of its own; inputs and outputs keep their names and types. */
export function inMixedPrecision({ g, loss, parameters }: LossParts): LossParts {
  const mixed = new GraphBuilder(g.name);
  const placed = new Map<Value, Value>();
  const casts = new Map<Value, Value>();
  const of = (value: Value): Value => {
    const known = placed.get(value);
    if (known) return known;
    if (value.node) throw new Error(`nothing makes '${value.name}'`);
    const { name, shape, dtype, data } = value;
    const end = data ? mixed.constant(data, shape, dtype) : mixed.input(name, shape, dtype);
    placed.set(value, end);
    return end;
  };
  const inType = (value: Value, dtype: DType): Value => {
    const here = of(value);
    if (!isFloat(here) || here.dtype === dtype) return here;
    const cast = casts.get(here) ?? mixed.cast(here, dtype);
    casts.set(here, cast);
    return cast;
  };
  // In the graph's own order, whether they are used or not.
  for (const input of g.ends.inputs) of(input);
  for (const node of g.nodes) {
    const inputs = node.inputs.flatMap(input => (input && isFloat(input) ? [of(input)] : []));
    // Weights and what is broadcast join what they are used with.
    const largest = Math.max(...inputs.map(input => input.size));
    const made = inputs.filter(input => input.node && input.size === largest);
    const follows = FOLLOW.has(node.op) && made.length > 0 && made.every(input => input.dtype === 'float16');
    // What sizes a Resize is in single precision whatever it resizes.
    const dtype = HALF.has(node.op) || follows ? 'float16' : 'float32';
    const outputs = mixed.ops(node.op as OpName, node.inputs.map((input, i) => input && (node.op === 'Resize' && i > 0 ? of(input) : inType(input, dtype))), node.attributes, node.outputs.length);
    node.outputs.forEach((output, i) => placed.set(output, outputs[i]));
  }
  for (const [name, value] of g.ends.outputs) {
    const out = inType(value, 'float32');
    mixed.output(name, isFloat(out) && out.size === 1 ? finiteOrZero(mixed, out) : out);
  }
  return { g: mixed, loss: inType(loss, 'float32'), parameters: parameters.map(of) };
}

function isFloat({ dtype }: Value): boolean {
  return dtype === 'float32' || dtype === 'float16';
}

/** What a preset may say. */
export const PRECISIONS = ['auto', 'float32', 'mixed'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Devices that compute with halves; the CPU would only convert to and fro. */
const HALF_DEVICES: readonly string[] = ['cuda', 'webgpu', 'directml', 'coreml'];

/**
 * The precision to train in on `host`. 'auto': mixed on a graphics processor whose halves are sound, else single.
 * @throws SeedMaskError 'device-unavailable' where 'mixed' was asked for by name and the device cannot
 */
export async function precisionOn(host: GraphHost, wanted: Precision): Promise<'float32' | 'mixed'> {
  if (wanted === 'float32' || (wanted === 'auto' && !HALF_DEVICES.includes(host.device ?? 'cpu'))) return 'float32';
  if (await halvesAreSound(host)) return 'mixed';
  if (wanted === 'mixed') throw new SeedMaskError('device-unavailable', 'this device does not add up products of halves in single precision: train with precision "float32"');
  return 'float32';
}

const ROWS = 8192;

/**
 * Whether the device runs halves, and adds up long products of them in more than halves: a sum of 8192 ones in halves stops at 2048. Gradients of weights are such sums,
 * over all cells of all photos.
 */
export async function halvesAreSound(host: GraphHost): Promise<boolean> {
  const g = new GraphBuilder('halves');
  const half = (name: string, shape: readonly number[]): Value => g.cast(g.input(name, shape), 'float16');
  g.output('product', g.cast(g.matmul(half('row', [1, ROWS]), half('column', [ROWS, 1])), 'float32'));
  g.output('image', g.cast(g.conv(half('channels', [1, ROWS, 1, 2]), half('weights', [1, ROWS, 1, 1])), 'float32'));
  const ones = (...dims: number[]) => ({ dims, data: new Float32Array(dims.reduce((a, b) => a * b)).fill(1) });
  try {
    const runner = await host.open(g.toOnnx());
    try {
      const found = await runner.run({ row: ones(1, ROWS), column: ones(ROWS, 1), channels: ones(1, ROWS, 1, 2), weights: ones(1, ROWS, 1, 1) });
      return ['product', 'image'].every(name => floats(found, name).data.every(value => value === ROWS));
    } finally {
      await runner.release();
    }
  } catch {
    // Whatever a driver says of halves, it comes down to this.
    return false;
  }
}
