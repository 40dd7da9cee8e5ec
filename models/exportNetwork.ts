/**
 * A trained network as one ONNX file that needs nothing of SeedMask: a photo's bytes go in, probabilities and class ids come out, and a `metadata` block says what the
 * ids mean and how a photo is to be brought to size (`docs/training.md` has a script that runs it in Python).
 *
 *     photo          1 x H x W x 3 uint8, sRGB; H and W multiples of `multiple`
 *     probabilities  1 x C x H x W float32, C = 1 + classes, channel 0 the background; they sum to 1 at each pixel
 *     labels         1 x H x W uint8: the class id of the largest
 *
 * All that happens to the photo is in the file, from its bytes to the enlarging of the scores to its size. The graph is built twice, for two sizes: where nothing but
 * its ends differs, H and W are left free; else (position codes of a ViT, a pooling over a fixed grid) the file keeps the size it was built for.
 */
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
  /** Sides of photos are multiples of this. */
  multiple: number;
  /** Channel i + 1 is classes[i]; ids 1..254. */
  classes: readonly ExportedClass[];
  /** Longer side the network was trained at: photos are best brought to it. */
  longSide: number;
  /** For people: what was trained, on what. */
  description: string;
  licence: string;
  /**
   * Logits 1 x C x h x w of a photo, 1 x H x W x 3 bytes; h and w divide H and W. Every call must build the same nodes but for sizes.
   */
  logits(g: GraphBuilder, photo: Value): Value | Promise<Value>;
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
  const { multiple, longSide } = options;
  const side = Math.max(multiple, Math.round(longSide / multiple) * multiple);
  const size = { height: side, width: side };
  const graph = await photoGraph(options, size);
  const free = sameNodes(graph, await photoGraph(options, { height: side, width: side + 2 * multiple }));
  const described = free ? { ...graph, inputs: graph.inputs.map(freed), outputs: graph.outputs.map(freed) } : graph;
  const metadata: ExportMetadata = {
    format: 1, description: options.description, licence: options.licence,
    classes: [{ id: 0, name: 'background' }, ...options.classes], multiple, longSide: side, size: free ? null : size,
  };
  return { model: serialise({ ...described, metadata: { [METADATA_KEY]: JSON.stringify(metadata) } }), ...(!free && { size }) };
}

async function photoGraph({ classes, logits }: ExportOptions, size: PhotoSize): Promise<GraphDescription> {
  const g = new GraphBuilder('network');
  const photo = g.input('photo', [1, size.height, size.width, 3], 'uint8');
  const scores = await logits(g, photo);
  const [, channels] = scores.shape;
  if (channels !== classes.length + 1) throw new Error(`a network of ${channels} channels for background and ${classes.length} classes`);
  const probabilities = g.softmax(g.resize(scores, size.height, size.width), 1);
  g.output('probabilities', probabilities);
  const ids = g.constant(Uint8Array.of(0, ...classes.map(({ id }) => id)), [channels]);
  g.output('labels', g.gather(ids, g.op('ArgMax', [probabilities], { axis: 1, keepdims: 0 })));
  return g.describe();
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
