/**
 * Which weights of an ONNX backbone can learn, and in which of its stages they stand. A weight can learn where it is the kernel, matrix, scale or shift of an operator;
 * stored statistics of a normalisation, bounds and shapes cannot. A stage ends where a stride is greater than 1, or at a layer that the backbone's description
 * names: the stride behind such a layer opens no stage of its own. An attention (Softmax) begins a stage, too, so that a transformer has one a block.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type NodeProto } from 'onnx-buf';
import { floatWeights } from '../graph/import';
import type { Shape } from '../graph/value';
import type { Learns } from '../networkPreset';

export interface BackboneWeight {
  name: string;
  shape: Shape;
  data: Float32Array;
  /** From 0, at the photo's end; undefined: it cannot learn. */
  stage?: number;
}

/** Inputs of operators that can learn, by position; all: any of them that is no single number. */
const LEARNING: Record<string, readonly number[] | 'all' | undefined> = {
  Conv: [1, 2], ConvTranspose: [1, 2], Gemm: [1, 2], MatMul: [0, 1], BatchNormalization: [1, 2], LayerNormalization: [1, 2], InstanceNormalization: [1, 2],
  Add: 'all', Sub: 'all', Mul: 'all', Concat: 'all',
};

/**
 * All float weights of a file, in its order of use.
 * @param bytes with fixed shapes (`src/engine/fixedShapes.ts`)
 * @param outputs the layers that the description names
 */
export function backboneWeights(bytes: Uint8Array, outputs: readonly string[]): BackboneWeight[] {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const floats = floatWeights(bytes);
  const named = new Set(outputs);
  const places = new Map<string, Place>();
  const stages = new Map<string, number>();
  for (const node of graph?.node ?? []) {
    const place = placeOf(node, places, named);
    for (const output of node.output) places.set(output, place);
    const learning = LEARNING[node.opType];
    node.input.forEach((name, i) => {
      const weight = floats.get(name);
      if (!weight || weight.data.length < 2 || !learning || (learning !== 'all' && !learning.includes(i))) return;
      stages.set(name, Math.min(place.stage, stages.get(name) ?? Infinity));
    });
  }
  const numbers = [...new Set(stages.values())].sort((a, b) => a - b);
  const all = [...floats].map(([name, { shape, data }]): BackboneWeight => {
    const stage = stages.get(name);
    return { name, shape, data, ...(stage !== undefined && { stage: numbers.indexOf(stage) }) };
  });
  const order = [...stages.keys()];
  return all.sort((a, b) => position(order, a.name) - position(order, b.name));
}

/** Whether a weight learns. */
export function learning(weights: readonly BackboneWeight[], learns: Learns): (weight: BackboneWeight) => boolean {
  if (learns === 'none') return () => false;
  const stages = 1 + weights.reduce((most, { stage = -1 }) => Math.max(most, stage), -1);
  const first = learns === 'all' ? 0 : stages - learns.lastStages;
  return ({ stage }) => stage !== undefined && stage >= first;
}

interface Place {
  stage: number;
  /** A named layer was just left, and its stride is still to come. */
  open: boolean;
}

function placeOf(node: NodeProto, places: ReadonlyMap<string, Place>, named: ReadonlySet<string>): Place {
  const before = node.input.flatMap(name => {
    const place = places.get(name);
    return place ? [named.has(name) ? { stage: place.stage + 1, open: true } : place] : [];
  });
  const stage = Math.max(0, ...before.map(place => place.stage));
  const open = before.length > 0 && before.every(place => place.stage < stage || place.open);
  const strided = node.attribute.some(({ name, ints }) => name === 'strides' && ints.some(stride => stride > 1n));
  if (strided && open) return { stage, open: false };
  return strided || node.opType === 'Softmax' ? { stage: stage + 1, open: false } : { stage, open };
}

function position(order: readonly string[], name: string): number {
  const at = order.indexOf(name);
  return at < 0 ? order.length : at;
}
