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
