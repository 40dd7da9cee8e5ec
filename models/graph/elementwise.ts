/** Shape rules of the elementwise operators: same shape out, or the broadcast shape of all inputs. */
import { required, intAttribute, like, type ShapeRule } from './shapeRule';
import { broadcast, type DType, type Value } from './value';
import { dtypeOfCode } from './dtypes';

const unary: ShapeRule = inputs => [like(required(inputs, 0))];

const broadcastAll = (inputs: readonly (Value | undefined)[]): number[] =>
  inputs.map((_, i) => required(inputs, i).shape).reduce<number[]>(broadcast, []);

function sameDType(inputs: readonly (Value | undefined)[], from = 0): DType {
  const { dtype } = required(inputs, from);
  for (const other of inputs.slice(from)) {
    if (other && other.dtype !== dtype) throw new Error(`dtypes ${dtype} and ${other.dtype} do not mix`);
  }
  return dtype;
}

const arithmetic: ShapeRule = inputs => [{ shape: broadcastAll(inputs), dtype: sameDType(inputs) }];
const comparison: ShapeRule = inputs => {
  sameDType(inputs);
  return [{ shape: broadcastAll(inputs), dtype: 'bool' }];
};
const toBool: ShapeRule = inputs => [{ shape: required(inputs, 0).shape, dtype: 'bool' }];

export const elementwiseRules = {
  Relu: unary, Sigmoid: unary, Softplus: unary, Tanh: unary, Erf: unary, Exp: unary, Log: unary, Sqrt: unary, Neg: unary, Abs: unary,
  Sign: unary, Reciprocal: unary, Floor: unary, Ceil: unary, Round: unary, Identity: unary, Clip: unary, LeakyRelu: unary, Not: unary,
  Softmax: unary, LogSoftmax: unary, CumSum: unary, IsNaN: toBool,
  Gelu: unary, Elu: unary, HardSigmoid: unary, HardSwish: unary,
  Add: arithmetic, Sub: arithmetic, Mul: arithmetic, Div: arithmetic, Pow: arithmetic, Mod: arithmetic,
  Max: arithmetic, Min: arithmetic, Sum: arithmetic, And: arithmetic, Or: arithmetic, Xor: arithmetic,
  Greater: comparison, GreaterOrEqual: comparison, Less: comparison, LessOrEqual: comparison, Equal: comparison,
  Where: inputs => {
    if (required(inputs, 0).dtype !== 'bool') throw new Error('the condition of Where must be bool');
    return [{ shape: broadcastAll(inputs), dtype: sameDType(inputs, 1) }];
  },
  Cast: (inputs, attributes) => [{ shape: required(inputs, 0).shape, dtype: dtypeOfCode(intAttribute(attributes, 'to', 0)) }],
  /** Per-tensor: uint8 or int32 in, float out. */
  DequantizeLinear: inputs => [{ shape: required(inputs, 0).shape, dtype: required(inputs, 1).dtype }],
} satisfies Record<string, ShapeRule>;
