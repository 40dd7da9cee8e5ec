/**
 * An ONNX file's graph, node by node, as part of a graph under construction: so a backbone can be differentiated and trained. Shapes must be fixed by then (the
 * engine has the runtime fold what computes shapes, see src/engine/fixedShapes.ts); older forms of an operator, which kept axes and the like in attributes, are
 * brought to the present one. Weights become inputs of the graph where they are to be trained, else constants.
 */
import { fromBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType, ModelProtoSchema,
  type AttributeProto, type GraphProto, type NodeProto, type TensorProto,
} from 'onnx-buf';
import { SeedMaskError } from '../../src/shared/errors';
import type { GraphBuilder } from './builder';
import { dtypeOfCode } from './dtypes';
import { storedBatchNorm } from './normalise';
import { floatAttribute } from './shapeRule';
import { isOpName, type OpName } from './shapes';
import { product, range, type Attribute, type DType, type TensorData, type Value } from './value';

export interface ImportOptions {
  /** What takes the place of the file's inputs, by name. */
  inputs: Readonly<Record<string, Value>>;
  /** Whether the float weights of this name are trained; default: none. */
  trains?: (name: string, shape: readonly number[]) => boolean;
  /** Weights that are in the graph already, by the file's names: of a network that a graph holds twice. */
  given?: ReadonlyMap<string, Value>;
  /** Put before the names of trained weights. */
  prefix?: string;
}

/** A weight that became an input of the graph. */
export interface Parameter {
  value: Value;
  /** Its numbers in the file. */
  data: Float32Array;
}

export interface Imported {
  /** By the file's names. */
  outputs: ReadonlyMap<string, Value>;
  parameters: readonly Parameter[];
}

/** Values by name, with the opset they are to be read by. */
interface Context {
  g: GraphBuilder;
  values: Map<string, Value>;
  opset: number;
}

/** @throws SeedMaskError 'bad-model' if the bytes are no model, or use what cannot be built here: the message names the operator. */
export function importOnnx(g: GraphBuilder, bytes: Uint8Array, { inputs, trains = () => false, given, prefix = '' }: ImportOptions): Imported {
  const { graph, opset } = parse(bytes);
  const values = new Map<string, Value>(Object.entries(inputs));
  const parameters: Parameter[] = [];
  for (const tensor of graph.initializer) {
    const shared = given?.get(tensor.name);
    if (shared) {
      values.set(tensor.name, shared);
      continue;
    }
    const { name, shape, dtype, data } = readTensor(tensor);
    if (data instanceof Float32Array && trains(name, shape)) {
      const value = g.input(prefix + name, shape);
      parameters.push({ value, data });
      values.set(name, value);
    } else values.set(name, g.constant(data, shape, dtype));
  }
  for (const node of graph.node) {
    try {
      place(node, { g, values, opset });
    } catch (error) {
      throw new SeedMaskError('bad-model', `${node.opType} '${node.name}' cannot be differentiated here: ${error instanceof Error ? error.message : String(error)}`, undefined, { cause: error });
    }
  }
  const outputs = new Map(graph.output.map(({ name }) => {
    const value = values.get(name);
    if (!value) throw new SeedMaskError('bad-model', `nothing makes the output '${name}'`);
    return [name, value] as const;
  }));
  return { outputs, parameters };
}

/** The float weights of a file by name, as they are. @throws SeedMaskError 'bad-model' */
export function floatWeights(bytes: Uint8Array): Map<string, { shape: readonly number[]; data: Float32Array }> {
  return new Map(parse(bytes).graph.initializer.flatMap(tensor => {
    const { name, shape, data } = readTensor(tensor);
    return data instanceof Float32Array ? [[name, { shape, data }] as const] : [];
  }));
}

function parse(bytes: Uint8Array): { graph: GraphProto; opset: number } {
  try {
    const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
    if (graph) return { graph, opset: Number(opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n) };
  } catch (cause) {
    throw new SeedMaskError('bad-model', 'not an ONNX model, or a truncated one', undefined, { cause });
  }
  throw new SeedMaskError('bad-model', 'an ONNX model without a graph');
}

function place(node: NodeProto, context: Context): void {
  const { g, values } = context;
  if (node.domain !== '' && node.domain !== 'ai.onnx') throw new Error(`an operator of '${node.domain}'`);
  if (node.opType === 'Constant') {
    const tensor = node.attribute.find(({ name }) => name === 'value')?.t;
    if (!tensor) throw new Error('a constant that is no tensor');
    const { shape, dtype, data } = readTensor(tensor);
    return void values.set(node.output[0], g.constant(data, shape, dtype));
  }
  const inputs = node.input.map(name => {
    if (name === '') return undefined;
    const value = values.get(name);
    if (!value) throw new Error(`its input '${name}' is not there`);
    return value;
  });
  const attributes = Object.fromEntries(node.attribute.map(attribute => [attribute.name, readAttribute(attribute)]));
  const { op, inputs: present, attributes: kept } = modernise(node.opType, inputs, attributes, node.output.length, context);
  if (op === 'BatchNormalization' && node.output.length === 1 && !kept['training_mode']) {
    const [x, ...rest] = present.flatMap(value => value ?? []);
    const [scale, shift, mean, variance] = rest;
    return void values.set(node.output[0], storedBatchNorm(g, x, scale, shift, mean, variance, floatAttribute(kept, 'epsilon', 1e-5)));
  }
  const outputs = g.ops(op, present, kept, node.output.length);
  node.output.forEach((name, i) => name !== '' && values.set(name, outputs[i]));
}

interface NodeParts {
  op: OpName;
  inputs: (Value | undefined)[];
  attributes: Record<string, Attribute>;
}

/** What ONNX once wrote as an attribute and now wants as an input. */
const ATTRIBUTE_INPUTS: Record<string, { name: string; at: number } | undefined> = {
  ReduceSum: { name: 'axes', at: 1 }, ReduceMean: { name: 'axes', at: 1 }, ReduceMax: { name: 'axes', at: 1 }, ReduceMin: { name: 'axes', at: 1 },
  ReduceSumSquare: { name: 'axes', at: 1 }, ReduceL2: { name: 'axes', at: 1 },
  Squeeze: { name: 'axes', at: 1 }, Unsqueeze: { name: 'axes', at: 1 }, Split: { name: 'split', at: 1 }, Pad: { name: 'pads', at: 1 },
};

function modernise(op: string, inputs: (Value | undefined)[], attributes: Record<string, Attribute>, outputs: number, { g, opset }: Context): NodeParts {
  const moved = ATTRIBUTE_INPUTS[op];
  if (moved && !inputs[moved.at] && Array.isArray(attributes[moved.name])) {
    inputs[moved.at] = g.integers(attributes[moved.name] as readonly number[]);
    delete attributes[moved.name];
  }
  // Nothing is dropped while a gradient is taken: the frozen backbone is the one that was exported.
  if (op === 'Dropout' && outputs === 1) return { op: 'Identity', inputs: inputs.slice(0, 1), attributes: {} };
  if (op === 'Split' && !inputs[1]) {
    const axis = typeof attributes['axis'] === 'number' ? attributes['axis'] : 0;
    const length = inputs[0]?.shape.at(axis) ?? 0;
    const size = Math.ceil(length / outputs);
    inputs[1] = g.integers(range(outputs).map(i => Math.min(size, length - i * size)));
    delete attributes['num_outputs'];
  }
  if (op === 'Clip') {
    (['min', 'max'] as const).forEach((name, i) => {
      const bound = attributes[name];
      if (typeof bound === 'object' && 'float' in bound) inputs[i + 1] = g.scalar(bound.float);
      delete attributes[name];
    });
  }
  if (op === 'Pad' && typeof attributes['value'] === 'object') {
    const { value } = attributes;
    if (!('float' in value) || value.float !== 0) throw new Error('a border that is not 0');
    delete attributes['value'];
  }
  if ((op === 'Softmax' || op === 'LogSoftmax') && opset < 13 && attributes['axis'] !== -1) throw new Error(`softmax over several axes (opset ${opset})`);
  // Before opset 14 a momentum of the running statistics stands here, which only training would use.
  if (op === 'BatchNormalization') delete attributes['momentum'];
  if (!isOpName(op)) throw new Error('no shape rule for this operator');
  return { op, inputs, attributes };
}

function readAttribute({ name, type, i, f, s, ints }: AttributeProto): Attribute {
  switch (type) {
    case AttributeType.INT: return Number(i);
    case AttributeType.FLOAT: return { float: f };
    case AttributeType.STRING: return new TextDecoder().decode(s);
    case AttributeType.INTS: return ints.map(Number);
    default: throw new Error(`its attribute '${name}' is of a kind that is not read`);
  }
}

function readTensor(tensor: TensorProto): { name: string; shape: number[]; dtype: DType; data: TensorData } {
  const { name, dims, dataType, rawData, floatData, int32Data, int64Data } = tensor;
  const shape = dims.map(Number);
  const dtype = dtypeOfCode(dataType);
  const data = rawData.length > 0 || product(shape) === 0 ? fromRaw(rawData, dtype) : fromFields(dtype, floatData, int32Data, int64Data);
  if (data.length !== product(shape)) throw new SeedMaskError('bad-model', `the tensor '${name}' has ${data.length} numbers for [${shape}]`);
  return { name, shape, dtype, data };
}

function fromRaw(raw: Uint8Array, dtype: DType): TensorData {
  // A copy, since tensors lie anywhere in the file. (Not slice: a Buffer's shares its memory.)
  const { buffer } = new Uint8Array(raw);
  switch (dtype) {
    case 'float32': return new Float32Array(buffer);
    case 'float16': return new Uint16Array(buffer);
    case 'int32': return new Int32Array(buffer);
    case 'int64': return new BigInt64Array(buffer);
    case 'uint8':
    case 'bool': return new Uint8Array(buffer);
  }
}

function fromFields(dtype: DType, floats: readonly number[], ints: readonly number[], longs: readonly bigint[]): TensorData {
  switch (dtype) {
    case 'float32': return Float32Array.from(floats);
    case 'int64': return BigInt64Array.from(longs);
    case 'float16': return Uint16Array.from(ints);
    case 'int32': return Int32Array.from(ints);
    case 'uint8':
    case 'bool': return Uint8Array.from(ints);
  }
}
