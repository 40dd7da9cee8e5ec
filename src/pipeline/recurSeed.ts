/**
 * One step of RecurSeed (arXiv 2204.06754): a class activation map, spread to similar features (SCG: fewer false negatives), then cut along
 * colours (PAMR: fewer false positives).
 *
 *     cam (tagged classes, [0, 1]) -> SCG -> bilinear to the photo -> PAMR = M_rs -> certain filter = M_seg
 *
 * In training the step is taken once a pass, and the recursion goes through what is learnt; repeating it on its own output without
 * learning drifts to clusters of the features.
 */
import type { LabelMap, Maps } from '../shared/maps';
import { certainFilter, type CertainFilterOptions } from './certainFilter';
import { pamrIterate, type PamrAffinity } from './pamr';
import { resizeBilinear } from './resize';
import type { Scg } from './scg';

export interface RecurSeedInput {
  /** K x h x w, in [0, 1]: maps of the tagged classes only. */
  cams: Maps;
  /** One or several D x h x w. */
  levels: readonly Maps[];
  /** PAMR weights of the photo, at the size of the result. */
  affinity: PamrAffinity;
  /** Class id (1..254) of each map. */
  ids: readonly number[];
}

export interface RecurSeedOptions {
  /** Sweeps of PAMR. */
  iterations?: number;
  filter?: CertainFilterOptions;
}

export interface RecurSeedStep {
  /** K x h x w: after SCG. */
  spread: Maps;
  /** M_rs, K x H x W, in [0, 1]: after PAMR. */
  refined: Maps;
  /** M_seg, H x W: 255 where M_rs is neither high nor low. */
  labels: LabelMap;
}

/** @throws SeedMaskError 'numeric', 'out-of-memory' */
export async function recurSeedStep(scg: Scg, input: RecurSeedInput, options: RecurSeedOptions = {}): Promise<RecurSeedStep> {
  const { cams, levels, affinity, ids } = input;
  const spread = await scg.run(levels, cams);
  const refined = pamrIterate(affinity, resizeBilinear(spread, affinity.height, affinity.width), options.iterations);
  return { spread, refined, labels: certainFilter(refined, ids, options.filter) };
}
