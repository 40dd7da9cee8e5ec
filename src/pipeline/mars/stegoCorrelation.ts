/**
 * STEGO's correspondence loss (Hamilton et al., ICLR 2022): codes of two photos should be alike where the frozen features are more alike than usual. For the points p
 * of the first and q of the second photo of each pair in a batch:
 *
 *     F[p, q] = cosine of features         C[p, q] = cosine of codes
 *     F'[p, q] = F[p, q] - mean over q of F[p, .] + mean of all F of the batch
 *     L = mean over the batch of -max(C[p, q], 0) (F'[p, q] - shift)
 *
 * The shift tells from where on likeness attracts. Plain loops in double precision: the reference for the graphs that train.
 */
import { plane, type Maps } from '../../shared/maps';
import { dot, unit } from './vectors';

/** Features (D x h x w) and codes (K x h x w) of two photos at the same points. */
export interface StegoPair {
  features: readonly [Maps, Maps];
  codes: readonly [Maps, Maps];
}

export interface StegoLoss {
  mean: number;
  /** Per pair: N1 x N2, row p, column q. */
  terms: Float64Array[];
  /** Per pair: C, N1 x N2. */
  codeCosines: Float64Array[];
}

/** @throws if there is no pair. */
export function stegoCorrelation(pairs: readonly StegoPair[], shift: number): StegoLoss {
  if (pairs.length === 0) throw new Error('STEGO: no pair of photos');
  const features = pairs.map(pair => cosines(...pair.features));
  const codeCosines = pairs.map(pair => cosines(...pair.codes));
  const usual = mean(features.map(mean));
  const terms = features.map((feature, i) => {
    const columns = points(pairs[i].features[1]);
    return feature.map((cosine, at) => {
      const row = at - (at % columns);
      return -Math.max(codeCosines[i][at], 0) * (cosine - mean(feature.subarray(row, row + columns)) + usual - shift);
    });
  });
  return { mean: mean(terms.map(mean)), terms, codeCosines };
}

/** Cosine of each point of `a` (rows) to each of `b` (columns). */
function cosines(a: Maps, b: Maps): Float64Array {
  const columns = vectorsOf(b);
  return Float64Array.from(vectorsOf(a).flatMap(row => columns.map(column => dot(row, 0, column, 0, row.length))));
}

function vectorsOf(maps: Maps): Float64Array[] {
  const planes = Array.from({ length: maps.channels }, (_, c) => plane(maps, c));
  return Array.from({ length: points(maps) }, (_, p) => unit(Float64Array.from(planes, values => values[p])));
}

function points({ height, width }: Maps): number {
  return height * width;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
