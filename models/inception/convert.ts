/**
 * Inception V3 (Szegedy et al. 2016, "Rethinking the Inception Architecture"), 8-bit quantised TFLite, as an ONNX feature
 * extractor in float arithmetic, for images of any size (N x 3 x H x W, RGB in -1..1).
 *
 * - Outputs: `feat` (Mixed_7c, 2048 channels, stride 16), `mixed6e` (768, stride 16), `mixed5d` (288, stride 8).
 * - Stride 16 instead of 32: the stride-2 windows of Mixed_7a become stride 1, and what follows is dilated by 2 (Chen et al. 2015).
 *   Its 3x3 average pool becomes 5x5, which covers the same ground without holes.
 * - Weights stay 8-bit in the file (a quarter of its size); Cast, Sub and Mul make them floats. The runtime folds these three at load
 *   on every device and with any session options, which it does not do with DequantizeLinear.
 * - Quantised networks hide their ReLU in the range of the output: each convolution is followed by a Clip to that range.
 * - Padding is explicit, since the runtime refuses SAME together with dilation.
 *
 * Geometry: the stem has no padding. Photos of multiples of 16, reflected by 13 pixels left and top and 14 right and bottom, give
 * exactly W/16 x H/16 cells, cell i centred on 16 i + 8 (the half-pixel grid); mixed5d then has 2n+1 cells at 8 i.
 */
import { SeedMaskError } from '../../src/shared/errors';
import { codeOfDType } from '../graph/dtypes';
import { serialise, type GraphDescription, type Initializer, type NodeDescription } from '../graph/serialise';
import type { Attributes, DType, TensorData } from '../graph/value';
import { readTflite, type TfliteModel, type TfliteOperator, type TfliteTensor, type Windowed } from './tflite';

export interface InceptionModels {
  /** The feature extractor, an ONNX file. */
  backbone: Uint8Array;
  /** The ImageNet classifier on the mean of `feat`: logits = weights x + bias; classes x 2048, row-major. */
  classifier: { weights: Float32Array; bias: Float32Array; classes: number; channels: number };
}

const CHANNELS = { feat: 2048, mixed6e: 768, mixed5d: 288 };

const RESULTS = [
  { name: 'feat', layer: /^InceptionV3\/InceptionV3\/Mixed_7c\/concat$/ },
  { name: 'mixed6e', layer: /^InceptionV3\/InceptionV3\/Mixed_6e\/concat$/ },
  { name: 'mixed5d', layer: /^InceptionV3\/InceptionV3\/Mixed_5d\/concat$/ },
] as const;

/** @throws SeedMaskError 'bad-model' if the file is not the Inception V3 it should be. */
export function convertInception(tflite: Uint8Array): InceptionModels {
  const model = readTflite(tflite);
  const layers = model.operators.filter(operator => !inClassifier(model, operator));
  const classifier = model.operators.find(operator => operator.kind === 'conv' && inClassifier(model, operator));
  if (!classifier) throw new SeedMaskError('bad-model', 'no classifier in this Inception V3');
  return { backbone: new Converter(model).convert(layers), classifier: readClassifier(model, classifier.inputs) };
}

function inClassifier(model: TfliteModel, { kind, outputs }: TfliteOperator): boolean {
  return kind === 'reshape' || /\/Logits\//.test(model.tensors[outputs[0]].name);
}

function readClassifier(model: TfliteModel, [, weights, bias]: number[]): InceptionModels['classifier'] {
  const { data, shape, scale, zeroPoint } = model.tensors[weights];
  return {
    weights: Float32Array.from(data, stored => scale * (stored - zeroPoint)),
    bias: realBias(model.tensors[bias]),
    classes: shape[0],
    channels: shape[3],
  };
}

/** Biases are stored as int32. */
function realBias({ data, scale }: TfliteTensor): Float32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Float32Array.from({ length: data.byteLength / 4 }, (_, i) => view.getInt32(4 * i, true) * scale);
}

class Converter {
  private readonly nodes: NodeDescription[] = [];
  private readonly initializers: Initializer[] = [];
  private readonly names: string[];

  constructor(private readonly model: TfliteModel) {
    const [input] = model.inputs;
    this.names = model.tensors.map(({ name }, i) => (i === input ? 'image' : (RESULTS.find(({ layer }) => layer.test(name))?.name ?? `t${i}`)));
    for (const { name } of RESULTS) {
      if (!this.names.includes(name)) throw new SeedMaskError('bad-model', `no layer '${name}' in this Inception V3`);
    }
  }

  convert(operators: readonly TfliteOperator[]): Uint8Array {
    for (const operator of operators) this.add(operator);
    const grid = { feat: ['h', 'w'], mixed6e: ['h', 'w'], mixed5d: ['h8', 'w8'] };
    const graph: GraphDescription = {
      name: 'inception-v3',
      inputs: [{ name: 'image', dtype: 'float32', dims: ['N', 3, 'H', 'W'] }],
      outputs: RESULTS.map(({ name }) => ({ name, dtype: 'float32', dims: ['N', CHANNELS[name], ...grid[name]] })),
      initializers: this.initializers,
      nodes: this.nodes,
    };
    return serialise(graph);
  }

  private add(operator: TfliteOperator): void {
    const inputs = operator.inputs.map(i => this.names[i]);
    const output = this.names[operator.outputs[0]];
    switch (operator.kind) {
      case 'concat':
        this.node('Concat', inputs, output, { axis: 1 });
        return;
      case 'maxPool':
        this.node('MaxPool', inputs, output, this.window(operator, [operator.window, operator.window], 1));
        return;
      case 'averagePool': {
        const window = this.dilation(operator) === 2 ? 5 : operator.window;
        this.node('AveragePool', inputs, output, this.window(operator, [window, window], 1));
        return;
      }
      case 'conv': {
        const [x, weights, bias] = operator.inputs;
        const [, height, width] = this.model.tensors[weights].shape;
        const dilation = this.dilation(operator);
        this.node('Conv', [this.names[x], this.weights(weights), this.bias(bias)], `${output}_sum`, {
          ...this.window(operator, [height, width], dilation),
          dilations: [dilation, dilation],
        });
        this.clip(`${output}_sum`, operator.outputs[0]);
        return;
      }
      case 'reshape':
        throw new SeedMaskError('bad-model', 'a reshape inside the feature extractor');
    }
  }

  private layerName(operator: TfliteOperator): string {
    return this.model.tensors[operator.outputs[0]].name;
  }

  private dilation(operator: TfliteOperator): 1 | 2 {
    return /\/Mixed_7[bc]\//.test(this.layerName(operator)) ? 2 : 1;
  }

  private window(operator: TfliteOperator & Windowed, kernel: readonly [number, number], dilation: number): Attributes {
    const opened = operator.stride === 2 && /\/Mixed_7a\//.test(this.layerName(operator));
    const stride = opened ? 1 : operator.stride;
    const valid = operator.valid && !opened;
    if (!valid && stride !== 1) throw new SeedMaskError('bad-model', 'SAME padding with a stride depends on the size of the image');
    const [y, x] = kernel.map(size => (valid ? 0 : (dilation * (size - 1)) / 2));
    return { kernel_shape: kernel, strides: [stride, stride], pads: [y, x, y, x] };
  }

  private weights(index: number): string {
    const { shape, scale, zeroPoint, data } = this.model.tensors[index];
    const [out, height, width, into] = shape;
    const name = this.names[index];
    const stored = this.initializer(`${name}_stored`, 'uint8', [out, into, height, width], channelsFirst(data, shape));
    this.node('Cast', [stored], `${name}_cast`, { to: codeOfDType('float32') });
    this.node('Sub', [`${name}_cast`, this.initializer(`${name}_zero`, 'float32', [1, 1, 1, 1], Float32Array.of(zeroPoint))], `${name}_centred`, {});
    this.node('Mul', [`${name}_centred`, this.initializer(`${name}_scale`, 'float32', [1, 1, 1, 1], Float32Array.of(scale))], name, {});
    return name;
  }

  private bias(index: number): string {
    const data = realBias(this.model.tensors[index]);
    return this.initializer(this.names[index], 'float32', [data.length], data);
  }

  private clip(sum: string, index: number): void {
    const { scale, zeroPoint } = this.model.tensors[index];
    const name = this.names[index];
    const low = this.initializer(`${name}_low`, 'float32', [], Float32Array.of(-zeroPoint * scale));
    const high = this.initializer(`${name}_high`, 'float32', [], Float32Array.of((255 - zeroPoint) * scale));
    this.node('Clip', [sum, low, high], name, {});
  }

  private initializer(name: string, dtype: DType, dims: readonly number[], data: TensorData): string {
    this.initializers.push({ name, dtype, dims, data });
    return name;
  }

  private node(op: string, inputs: readonly string[], output: string, attributes: Attributes): void {
    this.nodes.push({ op, inputs, outputs: [output], attributes });
  }
}

/** O x H x W x I to O x I x H x W. */
function channelsFirst(data: Uint8Array, [out, height, width, into]: readonly number[]): Uint8Array {
  const result = new Uint8Array(data.length);
  let next = 0;
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < into; i++) {
      for (let cell = 0; cell < height * width; cell++) result[next++] = data[(o * height * width + cell) * into + i];
    }
  }
  return result;
}
