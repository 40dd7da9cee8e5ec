/**
 * The nouns of a graph under construction: values with a shape and a dtype known at build time, the nodes that make them, and
 * the attributes of nodes. Static shapes are what keeps everything built on top (shape rules, gradients, broadcasting) small:
 * one graph is built per size, and building takes milliseconds.
 */

export type DType = 'float32' | 'float16' | 'uint8' | 'int32' | 'int64' | 'bool';

/** Arrays that can hold a constant; bool is held as Uint8Array of 0 and 1, float16 as its bits in a Uint16Array. */
export type TensorData = Float32Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;

/** An attribute of a node. Plain numbers are ONNX integers; a real number is written `{ float: 0.5 }`, since ONNX tells the two apart. */
export type Attribute = number | readonly number[] | string | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

export type Shape = readonly number[];

/** One tensor of a graph. */
export class Value {
  /** The node that computes it; none for graph inputs and constants. */
  node?: GraphNode;

  constructor(
    readonly name: string,
    readonly shape: Shape,
    readonly dtype: DType,
    /** Constants only. */
    readonly data?: TensorData,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return product(this.shape);
  }
}

export interface GraphNode {
  readonly op: string;
  /** `undefined` stands for an optional input that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

export function product(numbers: Shape): number {
  return numbers.reduce((total, n) => total * n, 1);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** The shape that numpy-style broadcasting gives. @throws where the two do not fit. */
export function broadcast(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return range(rank).map(i => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Axes counted from the front; negative ones count from the end. @throws where one is out of range. */
export function positiveAxes(axes: readonly number[], rank: number): number[] {
  return axes.map(axis => {
    const positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank) throw new Error(`axis ${axis} is outside a tensor of rank ${rank}`);
    return positive;
  });
}
