/**
 * Gradients of normalisations. With x^ = (x - mean) / sqrt(var + eps) over some axes, y = scale x^ + shift and d^ = dy scale:
 *
 *     dx = (d^ - mean(d^) - x^ mean(d^ x^)) / sqrt(var + eps)
 *
 * Batch normalisation here is the one with stored statistics, through which the gradient passes as through a scale.
 */
import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/shapeRule';
import { positiveAxes, range, type Value } from '../graph/value';
import { sumTo, type Backward, type GradientRule } from './rule';

function overAxes(g: GraphBuilder, x: Value, dy: Value, scale: Value, axes: readonly number[], epsilon: number): { dx: Value; dScale: Value } {
  const centred = g.sub(x, g.mean(x, axes));
  const inverse = g.op('Reciprocal', [g.sqrt(g.add(g.mean(g.mul(centred, centred), axes), epsilon))]);
  const normal = g.mul(centred, inverse);
  const d = g.mul(dy, scale);
  const dx = g.mul(g.sub(g.sub(d, g.mean(d, axes)), g.mul(normal, g.mean(g.mul(d, normal), axes))), inverse);
  return { dx, dScale: g.mul(dy, normal) };
}

function layer({ g, node, inputs: [x, scale, shift], dy }: Backward): Value[] {
  const [first] = positiveAxes([intAttribute(node.attributes, 'axis', -1)], x.rank);
  const { dx, dScale } = overAxes(g, x, dy, scale, range(x.rank).slice(first), floatAttribute(node.attributes, 'epsilon', 1e-5));
  return shift ? [dx, sumTo(g, dScale, scale.shape), sumTo(g, dy, shift.shape)] : [dx, sumTo(g, dScale, scale.shape)];
}

/** A value per channel, in the shape that broadcasts over images. */
const byChannel = (g: GraphBuilder, value: Value): Value => g.reshape(value, [1, value.size, 1, 1]);

function instance({ g, node, inputs: [x, scale], dy }: Backward): Value[] {
  const { dx, dScale } = overAxes(g, x, dy, byChannel(g, scale), [2, 3], floatAttribute(node.attributes, 'epsilon', 1e-5));
  return [dx, g.sum(dScale, [0, 2, 3], false), g.sum(dy, [0, 2, 3], false)];
}

function storedBatch({ g, node, inputs: [x, scale, , mean, variance], dy }: Backward): Value[] {
  if (intAttribute(node.attributes, 'training_mode', 0)) throw new Error('no gradient rule for BatchNormalization in training mode: use batchNorm of normalise.ts');
  const inverse = g.op('Reciprocal', [g.sqrt(g.add(variance, floatAttribute(node.attributes, 'epsilon', 1e-5)))]);
  const normal = g.mul(g.sub(x, byChannel(g, mean)), byChannel(g, inverse));
  return [g.mul(dy, byChannel(g, g.mul(scale, inverse))), g.sum(g.mul(dy, normal), [0, 2, 3], false), g.sum(dy, [0, 2, 3], false)];
}

export const normalisationGradients: Record<string, GradientRule> = { LayerNormalization: layer, InstanceNormalization: instance, BatchNormalization: storedBatch };
