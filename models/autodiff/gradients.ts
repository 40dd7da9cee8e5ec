/**
 * Reverse-mode automatic differentiation over the graph builder: one sweep from the loss back to the parameters appends the gradients
 * as ordinary nodes of the same graph, so that one run of the runtime is one training step. A rule is added by writing it into
 * its family.
 */
import type { GraphBuilder } from '../graph/builder';
import { range, type Value } from '../graph/value';
import { convolutionGradients } from './convolution';
import { elementwiseGradients } from './elementwise';
import { layoutGradients } from './layout';
import { normalisationGradients } from './normalisations';
import { poolGradients } from './pools';
import { productGradients } from './products';
import { reductionGradients } from './reductions';
import { resizeGradients } from './resize';
import { zeros, type GradientOptions, type GradientRule } from './rule';

const RULES: Record<string, GradientRule | undefined> = {
  ...elementwiseGradients,
  ...reductionGradients,
  ...productGradients,
  ...convolutionGradients,
  ...poolGradients,
  ...normalisationGradients,
  ...layoutGradients,
  ...resizeGradients,
};

/**
 * The gradients of `loss` (one number) with respect to each of `parameters`, in their shapes; zeros where the loss does not
 * depend on one. @throws if a node on the way has no rule.
 */
export function gradients(g: GraphBuilder, loss: Value, parameters: readonly Value[], options: GradientOptions = {}): Value[] {
  if (loss.size !== 1) throw new Error(`the loss must be one number, not [${loss.shape}]`);
  const nodes = [...g.nodes];
  const reached = new Set<Value>(parameters);
  for (const node of nodes) {
    if (node.inputs.some(input => input && reached.has(input))) for (const output of node.outputs) reached.add(output);
  }
  const arriving = new Map<Value, Value>([[loss, options.scale ?? g.scalar(1, loss.rank)]]);
  for (const node of nodes.reverse()) {
    const dys = node.outputs.map(output => arriving.get(output));
    const [y] = node.outputs;
    if (!dys.some(dy => dy) || !reached.has(y)) continue;
    const rule = RULES[node.op];
    if (!rule) throw new Error(`no gradient rule for ${node.op}`);
    const present = range(node.inputs.length).filter(i => node.inputs[i]);
    const inputs = present.flatMap(i => node.inputs[i] ?? []);
    rule({ g, options, node, inputs, y, dy: dys[0] ?? zeros(g, y.shape, y.dtype), dys }).forEach((gradient, i) => {
      const input = inputs[i];
      if (!gradient || !reached.has(input)) return;
      const sum = arriving.get(input);
      arriving.set(input, sum ? g.add(sum, gradient) : gradient);
    });
  }
  return parameters.map(parameter => arriving.get(parameter) ?? zeros(g, parameter.shape));
}
