/** Shape rules of the operators that summarise along axes. Axes are a constant second input (ONNX 18), absent = all axes. */
import { constantNumbers, intAttribute, required, type ShapeRule } from './shapeRule';
import { positiveAxes, range, type DType, type GraphNode, type Shape, type Value } from './value';

function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): number[] {
  return keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}

function axesOf(inputs: readonly (Value | undefined)[]): number[] {
  const { rank } = required(inputs, 0);
  return inputs[1] ? positiveAxes(constantNumbers(inputs[1]), rank) : range(rank);
}

/** The axes that a Reduce* node sums over, counted from the front. */
export function reductionAxes(node: GraphNode): number[] {
  return axesOf(node.inputs);
}

const reduce: ShapeRule = (inputs, attributes) => {
  const x = required(inputs, 0);
  return [{ shape: reducedShape(x.shape, axesOf(inputs), intAttribute(attributes, 'keepdims', 1) === 1), dtype: x.dtype }];
};

const pick: ShapeRule = (inputs, attributes) => {
  const x = required(inputs, 0);
  const axes = positiveAxes([intAttribute(attributes, 'axis', 0)], x.rank);
  return [{ shape: reducedShape(x.shape, axes, intAttribute(attributes, 'keepdims', 1) === 1), dtype: 'int64' as DType }];
};

export const reductionRules = {
  ReduceSum: reduce, ReduceMean: reduce, ReduceMax: reduce, ReduceMin: reduce, ReduceSumSquare: reduce, ReduceL2: reduce, ReduceLogSumExp: reduce,
  ArgMax: pick, ArgMin: pick,
  /** Values and int64 indices of the k largest; k is a constant second input. */
  TopK: (inputs, attributes) => {
    const x = required(inputs, 0);
    const [k] = constantNumbers(required(inputs, 1));
    const [axis] = positiveAxes([intAttribute(attributes, 'axis', -1)], x.rank);
    const shape = x.shape.map((d, i) => (i === axis ? k : d));
    return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
  },
} satisfies Record<string, ShapeRule>;
