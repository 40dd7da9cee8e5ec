/** All operators that the graph builder knows, by family. An operator is added by writing its shape rule into a family. */
import { elementwiseRules } from './elementwise';
import { layoutRules } from './layout';
import { linearRules } from './linear';
import { reductionRules } from './reductions';
import type { OutputType, ShapeRule } from './shapeRule';
import type { Attributes, Value } from './value';

const RULES = { ...elementwiseRules, ...reductionRules, ...linearRules, ...layoutRules };

/** An ONNX operator that has a shape rule here. */
export type OpName = keyof typeof RULES;

export function isOpName(name: string): name is OpName {
  return Object.hasOwn(RULES, name);
}

/** The types of the outputs of `op`. @throws with the operator's name where inputs or attributes do not fit. */
export function inferOutputs(op: OpName, inputs: readonly (Value | undefined)[], attributes: Attributes): OutputType[] {
  const rule: ShapeRule = RULES[op];
  try {
    return rule(inputs, attributes);
  } catch (error) {
    throw new Error(`${op}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
