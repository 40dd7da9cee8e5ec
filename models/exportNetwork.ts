/**
 * A trained network as one ONNX file that needs nothing of SeedMask: a photo's bytes go in, probabilities and class ids come out, and a `metadata` block says what the
 * ids mean and how a photo is to be brought to size (`docs/training.md` has a script that runs it in Python).
 *
 *     photo          1 x H x W x 3 uint8, sRGB; H and W multiples of `multiple`
 *     probabilities  1 x C x H x W float32, C = 1 + classes, channel 0 the background; they sum to 1 at each pixel
 *     labels         1 x H x W uint8: the class id of the largest
 *
 * Normalising, the mirrored border, the backbone and the enlarging to the photo's size are nodes of the file. The graph is built twice, for two sizes: where nothing but
 * its ends differs, H and W are left free; else (position codes of a ViT, a pooling over a fixed grid) the file keeps the size it was built for.
 */
import type { BackboneSpec } from './catalog';
import { GraphBuilder } from './graph/builder';
import { serialise, type GraphDescription, type NamedType } from './graph/serialise';
import type { Value } from './graph/value';

export interface PhotoSize {
  height: number;
  width: number;
}

export interface ExportedClass {
  id: number;
  name: string;
}

export interface ExportOptions {
  /** What the backbone wants of photos. */
  input: Omit<BackboneSpec['input'], 'name'>;
  /** Channel i + 1 is classes[i]; ids 1..254. */
  classes: readonly ExportedClass[];
  /** Longer side the network was trained at: photos are best brought to it. */
  longSide: number;
  /** For people: what was trained, on what. */
  description: string;
  licence: string;
  /**
   * Logits 1 x C x h x w of a normalised photo with its border, in the backbone's layout; h and w divide the photo's sides. Every call must build the same nodes but for sizes.
   */
  logits(g: GraphBuilder, photo: Value, size: PhotoSize): Value | Promise<Value>;
}

export interface ExportedNetwork {
  model: Uint8Array;
  /** The only size it takes; free where it is undefined. */
  size?: PhotoSize;
}

/** The metadata block, under the key `seedmask`. */
export interface ExportMetadata {
  format: 1;
  description: string;
  licence: string;
  classes: readonly ExportedClass[];
  /** Sides of a photo are multiples of this; `longSide` suits the network best. */
  multiple: number;
  longSide: number;
  size: PhotoSize | null;
}

export const METADATA_KEY = 'seedmask';

/** @throws what `logits` throws, and an Error if what it builds has not one channel for the background and each class. */
export async function exportNetwork(options: ExportOptions): Promise<ExportedNetwork> {
  const { input, longSide } = options;
  const side = Math.max(input.multiple, Math.round(longSide / input.multiple) * input.multiple);
  const size = { height: side, width: side };
  const graph = await photoGraph(options, size);
  const free = sameNodes(graph, await photoGraph(options, { height: side, width: side + 2 * input.multiple }));
  const described = free ? { ...graph, inputs: graph.inputs.map(freed), outputs: graph.outputs.map(freed) } : graph;
  const metadata: ExportMetadata = {
    format: 1, description: options.description, licence: options.licence,
    classes: [{ id: 0, name: 'background' }, ...options.classes], multiple: input.multiple, longSide: side, size: free ? null : size,
  };
  return { model: serialise({ ...described, metadata: { [METADATA_KEY]: JSON.stringify(metadata) } }), ...(!free && { size }) };
}

async function photoGraph({ input, classes, logits }: ExportOptions, size: PhotoSize): Promise<GraphDescription> {
  const g = new GraphBuilder('network');
  const photo = g.input('photo', [1, size.height, size.width, 3], 'uint8');
  const scores = await logits(g, normalised(g, photo, input), size);
  const [, channels] = scores.shape;
  if (channels !== classes.length + 1) throw new Error(`a network of ${channels} channels for background and ${classes.length} classes`);
  const probabilities = g.softmax(g.resize(scores, size.height, size.width), 1);
  g.output('probabilities', probabilities);
  const ids = g.constant(Uint8Array.of(0, ...classes.map(({ id }) => id)), [channels]);
  g.output('labels', g.gather(ids, g.op('ArgMax', [probabilities], { axis: 1, keepdims: 0 })));
  return g.describe();
}

/** (p / scale - mean) / std in the backbone's layout, with its mirrored border. */
function normalised(g: GraphBuilder, photo: Value, { layout, scale, mean, std, pad }: ExportOptions['input']): Value {
  const factors = g.constant(Float32Array.from(std, deviation => 1 / (scale * deviation)), [1, 1, 1, 3]);
  const shifts = g.constant(Float32Array.from(mean, (value, c) => -value / std[c]), [1, 1, 1, 3]);
  const values = g.add(g.mul(g.cast(photo, 'float32'), factors), shifts);
  const [top, left, bottom, right] = [pad.top, pad.left, pad.bottom, pad.right];
  const bordered = g.pad(values, [0, top, left, 0, 0, bottom, right, 0], 'reflect');
  return layout === 'NHWC' ? bordered : g.transpose(bordered, [0, 3, 1, 2]);
}

/** Whether two graphs are one but for the sizes of their ends. */
function sameNodes(a: GraphDescription, b: GraphDescription): boolean {
  const sameNumbers = a.initializers.length === b.initializers.length && a.initializers.every(({ data, dims }, i) => {
    const other = b.initializers[i];
    return dims.join() === other.dims.join() && Buffer.compare(bytesOf(data), bytesOf(other.data)) === 0;
  });
  return sameNumbers && JSON.stringify(a.nodes) === JSON.stringify(b.nodes);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Height and width by name in place of numbers. */
function freed(end: NamedType): NamedType {
  const [from, to] = end.name === 'probabilities' ? [2, 4] : [1, 3];
  return { ...end, dims: end.dims.map((dim, i) => (i >= from && i < to ? ['height', 'width'][i - from] : dim)) };
}
