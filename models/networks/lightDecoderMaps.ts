/**
 * The light decoder (`lightDecoder.ts`) on whole maps, with its numbers as constants, as a file to take home has it: a cell's product is a convolution of 1 x 1, so the
 * same nodes serve every size. The mean of the members' probabilities leaves as its logarithm, with each class's offset on the members' logits.
 */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/value';
import { decoderParameters, type LightDecoderShape } from './lightDecoder';

/** A layer of the backbone and its main directions. */
export interface DirectedLayer {
  /** 1 x C x h x w. */
  map: Value;
  /** D x C, and C. */
  rows: Float32Array;
  mean: Float32Array;
}

/** Least probability whose logarithm is taken. */
const LEAST = 1e-12;

/**
 * @param root square roots of features first
 * @param grid cells along a side of a cell of the coarsest layer
 * @param numbers of the parameters, by name
 * @returns 1 x classes x h x w
 */
export function lightDecoderMaps(g: GraphBuilder, layers: readonly DirectedLayer[], { root, grid }: { root: boolean; grid: number }, shape: LightDecoderShape, numbers: (name: string) => Float32Array, offsets?: Float32Array): Value {
  const [height, width] = [2, 3].map(axis => grid * Math.min(...layers.map(({ map }) => map.shape[axis])));
  const x = g.concat(layers.map(({ map, rows, mean }) => directed(g, onGrid(g, map, height, width), rows, mean, root)), 1);
  const dims = new Map(decoderParameters(shape));
  const ofMember = (name: string, member: number): { data: Float32Array; from: number; to: number } => {
    const [, from, to] = dims.get(name) ?? [];
    const size = from * to;
    return { data: numbers(name).subarray(member * size, (member + 1) * size), from, to };
  };
  const product = (input: Value, name: string, member: number, extra?: Float32Array): Value => {
    const { data, from, to } = ofMember(name, member);
    const bias = ofMember(`${name}.bias`, member).data.map((value, c) => value + (extra?.[c] ?? 0));
    const weights = Float32Array.from({ length: from * to }, (_, i) => data[(i % from) * to + Math.floor(i / from)]);
    return g.conv(input, g.constant(weights, [to, from, 1, 1]), g.constant(bias, [to]));
  };
  let sum: Value | undefined;
  for (let member = 0; member < shape.members; member++) {
    const hidden = shape.hidden.reduce((h, _, l) => g.relu(product(h, `hidden.${l}`, member)), x);
    const probabilities = g.softmax(product(hidden, 'decoder', member, offsets), 1);
    sum = sum ? g.add(sum, probabilities) : probabilities;
  }
  if (!sum) throw new Error('a decoder without members');
  return g.log(g.max(g.div(sum, shape.members), LEAST));
}

/** rows (x - mean), as one convolution: rows x - (rows mean). */
function directed(g: GraphBuilder, map: Value, rows: Float32Array, mean: Float32Array, root: boolean): Value {
  const channels = mean.length;
  const count = rows.length / channels;
  const shift = Float32Array.from({ length: count }, (_, d) => -mean.reduce((total, value, c) => total + value * rows[d * channels + c], 0));
  const features = root ? g.sqrt(g.relu(map)) : map;
  return g.conv(features, g.constant(rows, [count, channels, 1, 1]), g.constant(shift, [count]));
}

/** Averaged where the grid is coarser, interpolated where it is finer. */
function onGrid(g: GraphBuilder, map: Value, height: number, width: number): Value {
  const [, , rows, columns] = map.shape;
  if (rows === height && columns === width) return map;
  if (rows < height) return g.resize(map, height, width);
  const side = rows / height;
  if (!Number.isInteger(side) || side !== columns / width) throw new Error(`cells of ${rows} x ${columns} do not divide into ${height} x ${width}`);
  return g.op('AveragePool', [map], { kernel_shape: [side, side], strides: [side, side] });
}
