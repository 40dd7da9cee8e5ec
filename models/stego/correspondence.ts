/**
 * STEGO's correspondence loss as nodes of a graph (Hamilton et al., ICLR 2022, sec. 3.2): where the frozen features of two points are more alike than usual, their codes
 * are drawn together. For N pairs of photos with P points of the first and Q of the second:
 *
 *     F[n, p, q] = cosine of features         C[n, p, q] = cosine of codes
 *     F' = F - (mean over q of F) + (mean of all of F)
 *     L = mean of -max(C, 0) (F' - shift)
 *
 * No gradient flows into features: they are inputs. `src/pipeline/mars/stegoCorrelation.ts` is the same in plain loops.
 */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/value';

/** Keeps the length of a vector of zeros from being divided by. */
const LEAST_SQUARE = 1e-12;

/** Points of both sides of each pair: N x P x D and N x Q x D. */
export type Sides = readonly [Value, Value];

/** Cosine of each point of the first side to each of the second. Shapes: N x P x D, N x Q x D -> N x P x Q. */
export function cosines(g: GraphBuilder, [a, b]: Sides): Value {
  return g.matmul(unit(g, a), g.transpose(unit(g, b), [0, 2, 1]));
}

/** L, one number. @param shift from where on likeness of features attracts */
export function correspondenceLoss(g: GraphBuilder, features: Sides, codes: Sides, shift: number): Value {
  const likeness = cosines(g, features);
  const centred = g.add(g.sub(likeness, g.mean(likeness, [2])), g.mean(likeness, [0, 1, 2]));
  const pull = g.mul(g.relu(cosines(g, codes)), g.sub(centred, shift));
  return g.neg(g.mean(pull, [0, 1, 2], false));
}

function unit(g: GraphBuilder, x: Value): Value {
  return g.div(x, g.sqrt(g.add(g.sum(g.mul(x, x), [2]), LEAST_SQUARE)));
}
