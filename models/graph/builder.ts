/**
 * ONNX graphs as TypeScript. Every value has a static shape, so a mistake shows at build time, at the line that made it.
 *
 *   const g = new GraphBuilder('cosine');
 *   const x = g.input('x', [n, d]);
 *   const unit = g.div(x, g.sqrt(g.sum(g.mul(x, x), [1])));
 *   g.output('y', g.matmul(unit, g.transpose(unit, [1, 0])));
 *   const bytes = g.toOnnx();
 *
 * An operand of an arithmetic operator may be a plain number. Operators without a method of their own: `g.op('Erf', [x])`.
 */
import { toFloat16 } from '../../src/shared/float16';
import { inferOutputs, type OpName } from './shapes';
import { codeOfDType } from './dtypes';
import { serialise, type GraphDescription, type NodeDescription } from './serialise';
import { product, range, sameShape, Value, type Attributes, type DType, type GraphNode, type Shape, type TensorData } from './value';

/** A value, or a number that becomes a constant of the other operand's dtype. */
export type Operand = Value | number;

type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Max' | 'Min' | 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual' | 'Equal';

export interface ConvOptions {
  strides?: readonly number[];
  /** Top, left, bottom, right. */
  pads?: readonly number[];
  dilations?: readonly number[];
  group?: number;
}

export class GraphBuilder {
  private readonly inputs: Value[] = [];
  private readonly outputs = new Map<string, Value>();
  private readonly constants: Value[] = [];
  private readonly shared = new Map<string, Value>();
  private readonly made: GraphNode[] = [];
  private counter = 0;

  constructor(readonly name = 'graph') {}

  /** What goes in and what comes out so far. */
  get ends(): { inputs: readonly Value[]; outputs: ReadonlyMap<string, Value> } {
    return { inputs: this.inputs, outputs: this.outputs };
  }

  /** The nodes so far, in the order in which they were made (each after those it reads from). */
  get nodes(): readonly GraphNode[] {
    return this.made;
  }

  // Ends of the graph

  /** A tensor fed at each run. */
  input(name: string, shape: Shape, dtype: DType = 'float32'): Value {
    if (this.inputs.some(other => other.name === name)) throw new Error(`graph input '${name}' exists already`);
    const value = new Value(name, shape, dtype);
    this.inputs.push(value);
    return value;
  }

  /** Makes `value` a result of the graph under `name`. */
  output(name: string, value: Value): void {
    if (this.outputs.has(name)) throw new Error(`graph output '${name}' exists already`);
    // A result needs a name of its own: inputs, constants and values that are results already get one by a copy.
    const taken = !value.node || [...this.outputs.values()].includes(value);
    this.outputs.set(name, taken ? this.op('Identity', [value]) : value);
  }

  // Constants

  /** A tensor written into the graph. Float32Array is float32, BigInt64Array int64, and so on; name bool and float16 yourself. */
  constant(data: TensorData, shape: Shape, dtype: DType = dtypeOf(data)): Value {
    if (data.length !== product(shape)) throw new Error(`${data.length} numbers do not fill [${shape}]`);
    const value = new Value(this.fresh('constant'), shape, dtype, data);
    this.constants.push(value);
    return value;
  }

  /** A constant filled with one number, of rank `rank` (all dimensions 1). Equal ones are shared. */
  scalar(number: number, rank = 0, dtype: DType = 'float32'): Value {
    return this.sharedConstant(`${dtype} ${number} ${rank}`, () => this.constant(filled(number, dtype), range(rank).map(() => 1), dtype));
  }

  /** A list of int64 (axes, sizes, indices). Equal ones are shared. */
  integers(numbers: readonly number[]): Value {
    return this.sharedConstant(`int64 [${numbers}]`, () => this.constant(BigInt64Array.from(numbers, BigInt), [numbers.length]));
  }

  // Nodes

  /** One node with one (used) output. @throws where the inputs do not fit the operator. */
  op(op: OpName, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    return this.ops(op, inputs, attributes, 1)[0];
  }

  /** One node with its first `count` outputs. */
  ops(op: OpName, inputs: readonly (Value | undefined)[], attributes: Attributes, count: number): Value[] {
    const types = inferOutputs(op, inputs, attributes).slice(0, count);
    if (types.length < count) throw new Error(`${op} has only ${types.length} outputs`);
    const outputs = types.map(({ shape, dtype }) => new Value(this.fresh(op), shape, dtype));
    const node: GraphNode = { op, inputs, outputs, attributes };
    for (const value of outputs) value.node = node;
    this.made.push(node);
    return outputs;
  }

  // Arithmetic, with broadcasting

  add(a: Operand, b: Operand): Value { return this.arithmetic('Add', a, b); }
  sub(a: Operand, b: Operand): Value { return this.arithmetic('Sub', a, b); }
  mul(a: Operand, b: Operand): Value { return this.arithmetic('Mul', a, b); }
  div(a: Operand, b: Operand): Value { return this.arithmetic('Div', a, b); }
  pow(a: Operand, b: Operand): Value { return this.arithmetic('Pow', a, b); }
  max(a: Operand, b: Operand): Value { return this.arithmetic('Max', a, b); }
  min(a: Operand, b: Operand): Value { return this.arithmetic('Min', a, b); }
  greater(a: Operand, b: Operand): Value { return this.arithmetic('Greater', a, b); }
  greaterOrEqual(a: Operand, b: Operand): Value { return this.arithmetic('GreaterOrEqual', a, b); }
  less(a: Operand, b: Operand): Value { return this.arithmetic('Less', a, b); }
  lessOrEqual(a: Operand, b: Operand): Value { return this.arithmetic('LessOrEqual', a, b); }
  equal(a: Operand, b: Operand): Value { return this.arithmetic('Equal', a, b); }

  neg(x: Value): Value { return this.op('Neg', [x]); }
  abs(x: Value): Value { return this.op('Abs', [x]); }
  exp(x: Value): Value { return this.op('Exp', [x]); }
  log(x: Value): Value { return this.op('Log', [x]); }
  sqrt(x: Value): Value { return this.op('Sqrt', [x]); }
  relu(x: Value): Value { return this.op('Relu', [x]); }
  sigmoid(x: Value): Value { return this.op('Sigmoid', [x]); }
  softplus(x: Value): Value { return this.op('Softplus', [x]); }
  softmax(x: Value, axis = -1): Value { return this.op('Softmax', [x], { axis }); }
  logSoftmax(x: Value, axis = -1): Value { return this.op('LogSoftmax', [x], { axis }); }

  /** `a` where `condition` (bool) holds, else `b`. At least one of the two must be a value. */
  where(condition: Value, a: Operand, b: Operand): Value {
    const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float32';
    const operands = [a, b].map(x => (typeof x === 'number' ? this.scalar(x, condition.rank, dtype) : x));
    return this.op('Where', [condition, ...operands]);
  }

  cast(x: Value, dtype: DType): Value {
    return x.dtype === dtype ? x : this.op('Cast', [x], { to: codeOfDType(dtype) });
  }

  // Sums along axes

  sum(x: Value, axes: readonly number[], keepDims = true): Value { return this.reduce('ReduceSum', x, axes, keepDims); }
  mean(x: Value, axes: readonly number[], keepDims = true): Value { return this.reduce('ReduceMean', x, axes, keepDims); }
  reduceMax(x: Value, axes: readonly number[], keepDims = true): Value { return this.reduce('ReduceMax', x, axes, keepDims); }
  reduceMin(x: Value, axes: readonly number[], keepDims = true): Value { return this.reduce('ReduceMin', x, axes, keepDims); }

  // Products

  matmul(a: Value, b: Value): Value { return this.op('MatMul', [a, b]); }

  /** op(a) op(b) + c of matrices, where op may transpose. */
  gemm(a: Value, b: Value, c?: Value, options: { transA?: boolean; transB?: boolean } = {}): Value {
    return this.op('Gemm', c ? [a, b, c] : [a, b], { transA: Number(options.transA ?? false), transB: Number(options.transB ?? false) });
  }

  /** N x Cin x H x W with weights Cout x Cin/group x kh x kw. */
  conv(x: Value, weights: Value, bias?: Value, options: ConvOptions = {}): Value {
    return this.op('Conv', bias ? [x, weights, bias] : [x, weights], { ...options, kernel_shape: weights.shape.slice(2) });
  }

  // Layout

  reshape(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape) ? x : this.op('Reshape', [x, this.integers(shape)]);
  }

  /** To the shape of `like`, whatever that is when the graph runs. */
  reshapeLike(x: Value, like: Value): Value {
    return this.op('Reshape', [x, this.op('Shape', [like])]);
  }

  transpose(x: Value, perm: readonly number[]): Value { return this.op('Transpose', [x], { perm }); }

  expand(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape) ? x : this.op('Expand', [x, this.integers(shape)]);
  }

  concat(parts: readonly Value[], axis: number): Value { return parts.length === 1 ? parts[0] : this.op('Concat', parts, { axis }); }

  /** Elements starts[i] <= position < ends[i] (every steps[i]-th) along axes[i]. */
  slice(x: Value, starts: readonly number[], ends: readonly number[], axes: readonly number[], steps: readonly number[] = axes.map(() => 1)): Value {
    // The runtime copies even where all is taken.
    if (axes.every((axis, i) => starts[i] === 0 && ends[i] === x.shape[axis] && steps[i] === 1)) return x;
    return this.op('Slice', [x, ...[starts, ends, axes, steps].map(list => this.integers(list))]);
  }

  /** Rows of `x` along `axis`; `indices` is int64 or int32. */
  gather(x: Value, indices: Value, axis = 0): Value { return this.op('Gather', [x, indices], { axis }); }

  /** `pads`: before of every axis, then after of every axis. */
  pad(x: Value, pads: readonly number[], mode: 'constant' | 'edge' | 'reflect' = 'constant'): Value {
    if (pads.every(p => p === 0)) return x;
    const inputs = [x, this.integers(pads)];
    return this.op('Pad', mode === 'constant' ? [...inputs, this.scalar(0, 0, x.dtype)] : inputs, { mode });
  }

  /**
   * N x C x H x W to height x width. 'half_pixel' is PyTorch's align_corners=False. Enlarging by whole numbers is written as such, so that the node is the same for
   * every size (`models/exportNetwork.ts` needs that).
   */
  resize(x: Value, height: number, width: number, mode: 'linear' | 'nearest' | 'cubic' = 'linear', coordinates: 'half_pixel' | 'align_corners' = 'half_pixel'): Value {
    const attributes = { mode, coordinate_transformation_mode: coordinates };
    const [down, across] = [height / x.shape[2], width / x.shape[3]];
    if (Number.isInteger(down) && Number.isInteger(across)) return this.op('Resize', [x, undefined, this.constant(Float32Array.of(1, 1, down, across), [4])], attributes);
    const sizes = this.integers([x.shape[0], x.shape[1], height, width]);
    return this.op('Resize', [x, undefined, undefined, sizes], attributes);
  }

  // The file

  /** The graph as names and bytes, without the nodes and constants that no output needs. */
  describe(): GraphDescription {
    const live = new Set<GraphNode>();
    const waiting = [...this.outputs.values()].flatMap(value => value.node ?? []);
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      if (live.has(node)) continue;
      live.add(node);
      for (const input of node.inputs) if (input?.node) waiting.push(input.node);
    }
    const names = new Map([...this.outputs].map(([name, value]) => [value, name]));
    const nameOf = (value: Value | undefined): string => (value ? (names.get(value) ?? value.name) : '');
    const nodes = this.made.filter(node => live.has(node));
    const used = new Set(nodes.flatMap(node => node.inputs));
    return {
      name: this.name,
      inputs: this.inputs.map(({ name, dtype, shape }) => ({ name, dtype, dims: shape })),
      outputs: [...this.outputs].map(([name, { dtype, shape }]) => ({ name, dtype, dims: shape })),
      initializers: this.constants.flatMap(({ name, dtype, shape, data }, i) => (data && used.has(this.constants[i]) ? [{ name, dtype, dims: shape, data }] : [])),
      nodes: nodes.map(({ op, inputs, outputs, attributes }): NodeDescription => ({ op, inputs: inputs.map(nameOf), outputs: outputs.map(nameOf), attributes })),
    };
  }

  /** The bytes of an ONNX file. @throws if the graph has no output. */
  toOnnx(): Uint8Array {
    if (!this.outputs.size) throw new Error(`graph '${this.name}' has no output`);
    return serialise(this.describe());
  }

  private arithmetic(op: Arithmetic, a: Operand, b: Operand): Value {
    const [like] = [a, b].filter(x => typeof x !== 'number');
    if (!like) throw new Error(`${op} of two numbers: compute it in TypeScript`);
    const rank = Math.max(...[a, b].map(x => (typeof x === 'number' ? 0 : x.rank)));
    return this.op(op, [a, b].map(x => (typeof x === 'number' ? this.scalar(x, rank, like.dtype) : this.lifted(x, rank))));
  }

  /**
   * A one-element operand gets the rank of the other: the runtime's CPU broadcast of a lower-rank scalar onto a tensor whose last
   * axis is 1 is some fifty times slower (measured on 1.30), and every 1x1 convolution's weights are such a tensor.
   */
  private lifted(x: Value, rank: number): Value {
    return x.size === 1 && x.rank < rank ? this.reshape(x, range(rank).map(() => 1)) : x;
  }

  private reduce(op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin', x: Value, axes: readonly number[], keepDims: boolean): Value {
    return axes.length ? this.op(op, [x, this.integers(axes)], { keepdims: Number(keepDims) }) : x;
  }

  private sharedConstant(key: string, make: () => Value): Value {
    const value = this.shared.get(key) ?? make();
    this.shared.set(key, value);
    return value;
  }

  private fresh(stem: string): string {
    return `${stem}:${this.counter++}`;
  }
}

function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof Uint8Array ? 'uint8' : 'float16';
}

function filled(number: number, dtype: DType): TensorData {
  switch (dtype) {
    case 'float32': return Float32Array.of(number);
    case 'int32': return Int32Array.of(number);
    case 'int64': return BigInt64Array.of(BigInt(number));
    case 'uint8':
    case 'bool': return Uint8Array.of(number);
    case 'float16': return toFloat16(Float32Array.of(number));
  }
}
