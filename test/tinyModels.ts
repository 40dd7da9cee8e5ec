/** Tiny ONNX backbones for tests: a ViT-like one (tokens behind a class token and registers) and a CNN in NHWC, with their descriptions. */
import { parseBackbone, type BackboneSpec } from '../models/catalog';
import { serialise, type GraphDescription } from '../models/graph/serialise';

const wave = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(1 + i * 0.7));

/** Patches of 4 pixels, 8 channels, 3 tokens in front; batch of one. */
export const tinyVit: GraphDescription = {
  name: 'tiny-vit',
  inputs: [{ name: 'pixel_values', dtype: 'float32', dims: [1, 3, 'height', 'width'] }],
  outputs: [{ name: 'last_hidden_state', dtype: 'float32', dims: [1, 'tokens', 8] }],
  initializers: [
    { name: 'patch', dtype: 'float32', dims: [8, 3, 4, 4], data: wave(8 * 48) },
    { name: 'front', dtype: 'float32', dims: [1, 3, 8], data: new Float32Array(24).fill(99) },
    { name: 'flat', dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 8n, -1n) },
  ],
  nodes: [
    { op: 'Conv', inputs: ['pixel_values', 'patch'], outputs: ['cells'], attributes: { strides: [4, 4], kernel_shape: [4, 4] } },
    { op: 'Reshape', inputs: ['cells', 'flat'], outputs: ['columns'], attributes: {} },
    { op: 'Transpose', inputs: ['columns'], outputs: ['patches'], attributes: { perm: [0, 2, 1] } },
    { op: 'Concat', inputs: ['front', 'patches'], outputs: ['last_hidden_state'], attributes: { axis: 1 } },
  ],
};

export const tinyVitJson = {
  kind: 'backbone',
  id: 'tiny-vit',
  name: 'Tiny ViT',
  input: { name: 'pixel_values', layout: 'NCHW', scale: 255, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], multiple: 4, pad: { left: 0, top: 0, right: 0, bottom: 0 }, longSide: 32 },
  outputs: [{ name: 'last_hidden_state', role: 'deep', kind: 'tokens', channels: 8, stride: 4, skipTokens: 3 }],
};

/** Channels last: the mean of each 2 x 2 block of pixels, as a graph of an exporter that keeps NHWC. */
export const tinyCnn: GraphDescription = {
  name: 'tiny-cnn',
  inputs: [{ name: 'x', dtype: 'float32', dims: ['batch', 'h', 'w', 3] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: ['batch', 'h2', 'w2', 3] }],
  initializers: [],
  nodes: [
    { op: 'Transpose', inputs: ['x'], outputs: ['first'], attributes: { perm: [0, 3, 1, 2] } },
    { op: 'AveragePool', inputs: ['first'], outputs: ['pooled'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
    { op: 'Transpose', inputs: ['pooled'], outputs: ['y'], attributes: { perm: [0, 2, 3, 1] } },
  ],
};

export const tinyCnnJson = {
  kind: 'backbone',
  id: 'tiny-cnn',
  name: 'Tiny CNN',
  input: { name: 'x', layout: 'NHWC', scale: 1, mean: [0, 0, 0], std: [1, 1, 1], multiple: 2, pad: { left: 0, top: 0, right: 0, bottom: 0 }, longSide: 32 },
  outputs: [{ name: 'y', role: 'deep', kind: 'map', channels: 3, stride: 2 }],
};

export const tinyVitSpec: BackboneSpec = parseBackbone(JSON.stringify(tinyVitJson), 'tiny-vit.json');
export const tinyCnnSpec: BackboneSpec = parseBackbone(JSON.stringify(tinyCnnJson), 'tiny-cnn.json');
export const tinyVitBytes = serialise(tinyVit);
export const tinyCnnBytes = serialise(tinyCnn);

/** What a person would write beside a Leopart-like model: the tiny ViT's patches as unsupervised features. */
export const tinyUssJson = {
  kind: 'uss',
  id: 'tiny-leopart',
  name: 'Tiny Leopart',
  from: 'photo',
  input: tinyVitJson.input,
  output: { name: 'last_hidden_state', kind: 'tokens', channels: 8, stride: 4, skipTokens: 3 },
};

/** A STEGO-like head: a linear map and a network on 3 channels of a layer give codes of 2. */
export const tinyHead: GraphDescription = {
  name: 'tiny-stego',
  inputs: [{ name: 'features', dtype: 'float32', dims: ['batch', 3, 'h', 'w'] }],
  outputs: [{ name: 'code', dtype: 'float32', dims: ['batch', 2, 'h', 'w'] }],
  initializers: [
    { name: 'linear', dtype: 'float32', dims: [2, 3, 1, 1], data: wave(6) },
    { name: 'first', dtype: 'float32', dims: [3, 3, 1, 1], data: wave(9) },
    { name: 'second', dtype: 'float32', dims: [2, 3, 1, 1], data: wave(6) },
  ],
  nodes: [
    { op: 'Conv', inputs: ['features', 'linear'], outputs: ['straight'], attributes: { kernel_shape: [1, 1] } },
    { op: 'Conv', inputs: ['features', 'first'], outputs: ['hidden'], attributes: { kernel_shape: [1, 1] } },
    { op: 'Relu', inputs: ['hidden'], outputs: ['active'], attributes: {} },
    { op: 'Conv', inputs: ['active', 'second'], outputs: ['bent'], attributes: { kernel_shape: [1, 1] } },
    { op: 'Add', inputs: ['straight', 'bent'], outputs: ['code'], attributes: {} },
  ],
};

export const tinyHeadJson = {
  kind: 'uss',
  id: 'tiny-stego',
  name: 'Tiny STEGO',
  from: 'features',
  input: { name: 'features', role: 'middle', channels: 3 },
  output: { name: 'code', kind: 'map', channels: 2 },
};

export const tinyHeadBytes = serialise(tinyHead);
