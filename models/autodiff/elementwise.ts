/** Gradients of the elementwise operators, and of softmax. Where a maximum is reached by both sides, the first one gets the gradient. */
import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute, stringAttribute } from '../graph/shapeRule';
import type { Value } from '../graph/value';
import { sumTo, type Backward, type GradientRule } from './rule';

/** y = f(x): the gradient from x, y and dy. */
const unary = (rule: (g: GraphBuilder, x: Value, y: Value, dy: Value) => Value): GradientRule => ({ g, inputs: [x], y, dy }) => [rule(g, x, y, dy)];

/** y = f(a, b) with broadcasting. */
const binary = (rule: (g: GraphBuilder, a: Value, b: Value, dy: Value, y: Value) => [Value, Value]): GradientRule =>
  ({ g, inputs: [a, b], dy, y }) => {
    const [da, db] = rule(g, a, b, dy, y);
    return [sumTo(g, da, a.shape), sumTo(g, db, b.shape)];
  };

function power({ g, inputs: [x, exponent], dy }: Backward): Value[] {
  if (exponent.data?.length !== 1) throw new Error('no gradient rule for Pow with an exponent that is not one constant number');
  const e = Number(exponent.data[0]);
  return [g.mul(dy, g.mul(e === 2 ? x : g.pow(x, e - 1), e))];
}

function clip({ g, node, dy }: Backward): Value[] {
  const [x, low, high] = node.inputs;
  if (!x) throw new Error('Clip without an input');
  const inside = [...(low ? [g.greater(x, low)] : []), ...(high ? [g.less(x, high)] : [])];
  return [inside.length ? gated(g, inside.reduce((a, b) => g.op('And', [a, b])), dy) : dy];
}

/** Gelu (Hendrycks and Gimpel 2016): x F(x) with the normal distribution F, or its approximation by tanh. */
function gelu({ g, node, inputs: [x], dy }: Backward): Value[] {
  const squared = g.mul(x, x);
  if (stringAttribute(node.attributes, 'approximate', 'none') === 'tanh') {
    const factor = Math.sqrt(2 / Math.PI);
    const t = g.op('Tanh', [g.mul(g.mul(x, g.add(g.mul(squared, 0.044715), 1)), factor)]);
    const inner = g.mul(g.add(g.mul(squared, 3 * 0.044715), 1), factor);
    const slope = g.mul(g.mul(x, g.sub(1, g.mul(t, t))), inner);
    return [g.mul(dy, g.mul(g.add(g.add(t, 1), slope), 0.5))];
  }
  const distribution = g.mul(g.add(g.op('Erf', [g.mul(x, Math.SQRT1_2)]), 1), 0.5);
  const density = g.mul(g.exp(g.mul(squared, -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return [g.mul(dy, g.add(distribution, g.mul(x, density)))];
}

/** `dy` where `open` (bool) holds, else 0: a product, since the runtime's CPU provider takes twice the time for Where. */
const gated = (g: GraphBuilder, open: Value, dy: Value): Value => g.mul(dy, g.cast(open, dy.dtype));

/** `slope` where low < value < high, else 0. */
const between = (g: GraphBuilder, value: Value, low: number, high: number, slope: Value): Value => g.where(g.greater(value, low), g.where(g.less(value, high), slope, 0), 0);

/** Steps: flat wherever they have a slope. */
const flat: GradientRule = () => [undefined];

export const elementwiseGradients: Record<string, GradientRule> = {
  Identity: unary((_g, _x, _y, dy) => dy),
  Cast: unary((g, x, _y, dy) => g.cast(dy, x.dtype)),
  Neg: unary((g, _x, _y, dy) => g.neg(dy)),
  Exp: unary((g, _x, y, dy) => g.mul(dy, y)),
  Log: unary((g, x, _y, dy) => g.div(dy, x)),
  Sqrt: unary((g, _x, y, dy) => g.div(g.mul(dy, 0.5), y)),
  Reciprocal: unary((g, _x, y, dy) => g.neg(g.mul(dy, g.mul(y, y)))),
  Abs: unary((g, x, _y, dy) => g.where(g.greaterOrEqual(x, 0), dy, g.neg(dy))),
  Tanh: unary((g, _x, y, dy) => g.mul(dy, g.sub(1, g.mul(y, y)))),
  Sigmoid: unary((g, _x, y, dy) => g.mul(dy, g.mul(y, g.sub(1, y)))),
  Softplus: unary((g, x, _y, dy) => g.mul(dy, g.sigmoid(x))),
  Erf: unary((g, x, _y, dy) => g.mul(dy, g.mul(g.exp(g.neg(g.mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  Gelu: gelu,
  LeakyRelu: ({ g, node, inputs: [x], dy }) => [g.where(g.greater(x, 0), dy, g.mul(dy, floatAttribute(node.attributes, 'alpha', 0.01)))],
  Elu: ({ g, node, inputs: [x], y, dy }) => [g.where(g.greater(x, 0), dy, g.mul(dy, g.add(y, floatAttribute(node.attributes, 'alpha', 1))))],
  HardSigmoid: ({ g, node, y, dy }) => [between(g, y, 0, 1, g.mul(dy, floatAttribute(node.attributes, 'alpha', 0.2)))],
  HardSwish: ({ g, inputs: [x], dy }) => [g.where(g.greaterOrEqual(x, 3), dy, between(g, x, -3, 3, g.mul(dy, g.add(g.mul(x, 1 / 3), 0.5))))],
  Sign: flat, Floor: flat, Ceil: flat, Round: flat,
  Relu: unary((g, _x, y, dy) => gated(g, g.greater(y, 0), dy)),
  Clip: clip,
  Softmax: ({ g, node, y, dy }) => {
    const weighted = g.mul(dy, y);
    return [g.sub(weighted, g.mul(y, g.sum(weighted, [intAttribute(node.attributes, 'axis', -1)])))];
  },
  LogSoftmax: ({ g, node, y, dy }) => [g.sub(dy, g.mul(g.exp(y), g.sum(dy, [intAttribute(node.attributes, 'axis', -1)])))],
  Add: binary((_g, _a, _b, dy) => [dy, dy]),
  Sub: binary((g, _a, _b, dy) => [dy, g.neg(dy)]),
  Mul: binary((g, a, b, dy) => [g.mul(dy, b), g.mul(dy, a)]),
  Div: binary((g, _a, b, dy, y) => [g.div(dy, b), g.neg(g.mul(dy, g.div(y, b)))]),
  Max: binary((g, a, b, dy) => [g.where(g.greaterOrEqual(a, b), dy, 0), g.where(g.less(a, b), dy, 0)]),
  Min: binary((g, a, b, dy) => [g.where(g.lessOrEqual(a, b), dy, 0), g.where(g.greater(a, b), dy, 0)]),
  Pow: power,
  Where: ({ g, inputs: [condition, a, b], dy }) => [undefined, sumTo(g, g.where(condition, dy, 0), a.shape), sumTo(g, g.where(condition, 0, dy), b.shape)],
};
