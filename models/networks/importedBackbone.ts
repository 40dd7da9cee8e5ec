/**
 * A backbone's ONNX file as the first part of a network that learns: bytes of photos in, a deep and a shallow map out, both on the half-pixel grid whatever the file's
 * layout, border or tokens (`adapter.ts` does the same outside of graphs).
 *
 * The shallow map (DeepLab's low-level features, C2 of a ResNet) is the last layer of stride 4 through which everything passes on its way to the deep one; of stride 8
 * where there is none; else the finest layer that the description names. Files without padding have more cells than the photo: 2 n too many are cut off, and one
 * more is averaged away (cells at multiples of the stride become cells between them).
 */
import type { BackboneOutput, BackboneSpec } from '../catalog';
import type { GraphBuilder } from '../graph/builder';
import { importOnnx } from '../graph/import';
import type { GraphNode, Value } from '../graph/value';

export interface BackboneMaps {
  /** N x C x side / stride x side / stride. */
  deep: Value;
  low: Value;
}

/** Cells that a layer of a file without padding may have too many. */
const MOST_EXCESS = 6;
const SHALLOW_STRIDES = [4, 8] as const;

/**
 * @param bytes the file with fixed shapes
 * @param photos N x H x W x 3, 0..255, uint8 or float; sides are multiples of what the backbone wants
 * @param weights the file's float weights as values of the graph, by name
 * @throws SeedMaskError 'bad-model' if the file uses what cannot be built here
 */
export function importedBackbone(g: GraphBuilder, bytes: Uint8Array, spec: BackboneSpec, photos: Value, weights: ReadonlyMap<string, Value>): BackboneMaps {
  const [, height, width] = photos.shape;
  const input = photoInput(g, photos, spec.input);
  const before = g.nodes.length;
  const { outputs } = importOnnx(g, bytes, { inputs: { [spec.input.name]: input }, given: weights });
  const imported = g.nodes.slice(before);
  const maps = (output: BackboneOutput): Value => namedMaps(g, outputs, output, spec.input.layout, height, width);
  const deepest = spec.outputs.find(({ role }) => role === 'deep') ?? spec.outputs[0];
  const finest = spec.outputs.reduce((best, output) => (output.stride < best.stride ? output : best));
  return { deep: maps(deepest), low: shallowMaps(g, imported, input, height, width) ?? maps(finest) };
}

/** All layers that the description names, by role: N x C x side / stride x side / stride. The file's weights are constants. Parameters as above. */
export function backboneLayers(g: GraphBuilder, bytes: Uint8Array, spec: BackboneSpec, photos: Value): Map<BackboneOutput['role'], Value> {
  const [, height, width] = photos.shape;
  const { outputs } = importOnnx(g, bytes, { inputs: { [spec.input.name]: photoInput(g, photos, spec.input) } });
  return new Map(spec.outputs.map(output => [output.role, namedMaps(g, outputs, output, spec.input.layout, height, width)]));
}

/** (p / scale - mean) / std in the backbone's layout, with its mirrored border. */
function photoInput(g: GraphBuilder, photos: Value, { layout, scale, mean, std, pad }: BackboneSpec['input']): Value {
  const factors = g.constant(Float32Array.from(std, deviation => 1 / (scale * deviation)), [1, 1, 1, 3]);
  const shifts = g.constant(Float32Array.from(mean, (value, c) => -value / std[c]), [1, 1, 1, 3]);
  const values = g.add(g.mul(g.cast(photos, 'float32'), factors), shifts);
  const bordered = g.pad(values, [0, pad.top, pad.left, 0, 0, pad.bottom, pad.right, 0], 'reflect');
  return layout === 'NHWC' ? bordered : g.transpose(bordered, [0, 3, 1, 2]);
}

function namedMaps(g: GraphBuilder, outputs: ReadonlyMap<string, Value>, output: BackboneOutput, layout: BackboneSpec['input']['layout'], height: number, width: number): Value {
  const value = outputs.get(output.name);
  if (!value) throw new Error(`no output '${output.name}'`);
  return outputMaps(g, value, output, layout, height / output.stride, width / output.stride);
}

function outputMaps(g: GraphBuilder, value: Value, { kind, channels, skipTokens, smooth2x2 }: BackboneOutput, layout: BackboneSpec['input']['layout'], height: number, width: number): Value {
  const [photos] = value.shape;
  if (kind === 'tokens') {
    const cells = g.slice(value, [skipTokens], [skipTokens + height * width], [1]);
    return g.transpose(g.reshape(cells, [photos, height, width, channels]), [0, 3, 1, 2]);
  }
  const map = layout === 'NHWC' ? g.transpose(value, [0, 3, 1, 2]) : value;
  return smooth2x2 ? averaged2x2(g, map) : map;
}

function averaged2x2(g: GraphBuilder, map: Value): Value {
  return g.op('AveragePool', [map], { kernel_shape: [2, 2], strides: [1, 1] });
}

function shallowMaps(g: GraphBuilder, nodes: readonly GraphNode[], input: Value, height: number, width: number): Value | undefined {
  const passages = bottlenecks(nodes, input);
  for (const stride of SHALLOW_STRIDES) {
    const [rows, columns] = [height / stride, width / stride];
    const excess = ({ shape }: Value): number => (shape.length === 4 && shape[2] - rows === shape[3] - columns ? shape[2] - rows : -1);
    const found = passages.filter(value => excess(value) >= 0 && excess(value) <= MOST_EXCESS).at(-1);
    if (!found) continue;
    const margin = Math.floor(excess(found) / 2);
    const extra = excess(found) % 2;
    const cut = margin === 0 ? found : g.slice(found, [margin, margin], [margin + rows + extra, margin + columns + extra], [2, 3]);
    return extra ? averaged2x2(g, cut) : cut;
  }
  return undefined;
}

/** Values that everything passes on its way from the input to the end, in order: nothing computed before one is used behind it. */
function bottlenecks(nodes: readonly GraphNode[], input: Value): Value[] {
  const lastUse = new Map<Value, number>();
  nodes.forEach((node, position) => {
    for (const value of node.inputs) if (value) lastUse.set(value, position);
  });
  const reached = new Set<Value>([input]);
  let open = lastUse.get(input) ?? -1;
  return nodes.flatMap((node, position) => {
    if (!node.inputs.some(value => value && reached.has(value))) return [];
    const through = open <= position;
    for (const output of node.outputs) {
      reached.add(output);
      open = Math.max(open, lastUse.get(output) ?? position);
    }
    return through ? [node.outputs[0]] : [];
  });
}
