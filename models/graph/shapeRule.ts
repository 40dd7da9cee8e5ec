/**
 * What a shape rule is, and the helpers that all families of rules share: reading attributes and the constant inputs
 * through which ONNX passes axes, sizes and pads.
 */
import { type Attributes, type DType, type Shape, type Value } from './value';

export interface OutputType {
  shape: Shape;
  dtype: DType;
}

/** From the inputs and attributes of a node to the types of its outputs. @throws where they do not fit together. */
export type ShapeRule = (inputs: readonly (Value | undefined)[], attributes: Attributes) => OutputType[];

/** Input `index`, which must be there. */
export function required(inputs: readonly (Value | undefined)[], index: number): Value {
  const value = inputs[index];
  if (!value) throw new Error(`input ${index} is missing`);
  return value;
}

/** The numbers of a constant (axes, sizes, pads), or of another value's shape. @throws if the value is computed at run time. */
export function constantNumbers(value: Value): number[] {
  const [measured] = value.node?.op === 'Shape' ? value.node.inputs : [];
  if (measured) return [...measured.shape];
  if (!value.data) throw new Error(`'${value.name}' must be a constant, since it decides a shape`);
  return Array.from(value.data, Number);
}

export function intAttribute(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : fallback;
}

export function intsAttribute(attributes: Attributes, name: string, fallback: readonly number[]): readonly number[] {
  const value = attributes[name];
  return Array.isArray(value) ? value : fallback;
}

export function floatAttribute(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'object' && 'float' in value ? value.float : fallback;
}

export function stringAttribute(attributes: Attributes, name: string, fallback: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : fallback;
}

/** The type of a value, as the type of an output. */
export function like(value: Value): OutputType {
  return { shape: value.shape, dtype: value.dtype };
}
