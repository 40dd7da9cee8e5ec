/**
 * Gradient of linear and nearest Resize (images, N x C x H x W): resizing is Y = A X B^T with two fixed matrices of interpolation weights, so the
 * gradient is A^T dY B.
 */
import { stringAttribute } from '../graph/shapeRule';
import type { Backward, GradientRule } from './rule';

/** Interpolation weights, to x from, row-major; rows of the transpose if `transposed`. */
function interpolation(from: number, to: number, coordinates: string, nearest: ((position: number) => number) | undefined, transposed: boolean): Float32Array {
  const weights = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const exact = positionOf(i, from, to, coordinates);
    const position = Math.min(Math.max(exact, 0), from - 1);
    const low = Math.floor(position);
    const sources = nearest ? [[nearest(position), 1]] : [[low, 1 - position + low], [Math.min(low + 1, from - 1), position - low]];
    for (const [source, weight] of sources) {
      weights[transposed ? source * to + i : i * from + source] += weight;
    }
  }
  return weights;
}

/** Where output element `i` lies among the inputs. */
function positionOf(i: number, from: number, to: number, coordinates: string): number {
  if (coordinates === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
  return coordinates === 'asymmetric' ? (i * from) / to : ((i + 0.5) * from) / to - 0.5;
}

const ROUNDING: Record<string, ((position: number) => number) | undefined> = {
  round_prefer_floor: position => Math.ceil(position - 0.5),
  round_prefer_ceil: position => Math.floor(position + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

function resize({ g, node, inputs: [x], dy }: Backward): ReturnType<GradientRule> {
  const mode = stringAttribute(node.attributes, 'mode', 'nearest');
  const coordinates = stringAttribute(node.attributes, 'coordinate_transformation_mode', 'half_pixel');
  const keepsStack = x.rank === 4 && x.shape[0] === dy.shape[0] && x.shape[1] === dy.shape[1];
  const nearest = mode === 'nearest' ? ROUNDING[stringAttribute(node.attributes, 'nearest_mode', 'round_prefer_floor')] : undefined;
  if (!(mode === 'linear' || nearest) || !['half_pixel', 'align_corners', 'asymmetric'].includes(coordinates) || !keepsStack) throw new Error(`no gradient rule for Resize '${mode}', '${coordinates}'`);
  const [, , height, width] = x.shape;
  const [, , toHeight, toWidth] = dy.shape;
  const rows = g.constant(interpolation(height, toHeight, coordinates, nearest, true), [height, toHeight]);
  const columns = g.constant(interpolation(width, toWidth, coordinates, nearest, false), [toWidth, width]);
  return [g.matmul(g.cast(rows, dy.dtype), g.matmul(dy, g.cast(columns, dy.dtype)))];
}

export const resizeGradients: Record<string, GradientRule> = { Resize: resize };
