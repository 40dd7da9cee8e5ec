/**
 * Why the pixels of a region were removed, one record a region (`src/shared/evidence.ts`), from what decided: the recorded similarity map, the class's ranking and
 * prototype, the photo's own clusters, backgrounds. Every removed pixel is in exactly one record.
 *
 * Counterfactuals put other selections of clusters in place of the run's and cut again; the CRF is not run again. So they are told of the pixels that similarity decided, and
 * those that the CRF took along go with them. Cuts of rule 'percentile' and the second prototype of 'two-prototypes' stay as they are.
 */
import type { Evidence } from '../../shared/evidence';
import type { LabelMap, Maps } from '../../shared/maps';
import { resizeBilinear } from '../resize';
import type { CentroidStore } from './centroidStore';
import { nearestClusters } from './clusters';
import type { Debiased } from './debias';
import type { Backgrounds } from './distances';
import type { ClassDecision, ClassDecisions, MarsSettings, RankedCluster, SimilarityMap } from './marsTypes';
import { ALPHA_STEP, prototypeWithout, selectedOf, selectionWithout } from './prototypes';
import { regionId, type Region } from './regions';
import { recordOfSettings } from './settingsRecord';
import { likeness, type CellFeatures, type Choice } from './similarityMap';

/** Photos of the decomposition of the mean distance; clusters shown on each side of the cut. */
const SHOWN_PHOTOS = 20;
const SHOWN_CLUSTERS = 8;
const BINS = 16;
/** What counterfactuals add to the threshold and take from it. */
const THRESHOLD_STEP = 0.05;
/** Share of a region below the cut from which it counts as lying there. */
const MOST = 0.8;

export interface ExplainInput {
  photo: string;
  /** The same as for `similarityMap`. */
  tags: readonly number[];
  /** The mask before. */
  mask: LabelMap;
  cells: CellFeatures;
  similarity: SimilarityMap;
  debiased: Debiased;
  decisions: ClassDecisions;
  store: CentroidStore;
  /** Of any photos; one for the whole run. */
  backgrounds: Backgrounds;
  settings: MarsSettings;
  provenance: Omit<Evidence['provenance'], 'grid' | 'settings'>;
}

/** Records of all regions of a photo, in the order of `debiased.regions`. */
export function explainPhoto(input: ExplainInput): Evidence[] {
  const { photo, debiased, decisions, similarity, settings } = input;
  if (!debiased.similarity || debiased.regions.length === 0) return [];
  const values = debiased.similarity.data;
  const cellOf = cellsOfPixels(input.mask, similarity);
  const alternatives = alternativeValues(input);
  const classes = new Map([...new Set(debiased.regions.map(({ classId }) => classId))].map(classId => [classId, classFacts(input, classId)]));
  return debiased.regions.flatMap(region => {
    const decision = decisions.get(region.classId);
    const facts = classes.get(region.classId);
    if (!decision || !facts) return [];
    const { clusters, main, situation } = clusterShares(region, facts, cellOf, decision);
    const counterfactual = counterfactuals(region, values, alternatives, decision, settings.threshold);
    return {
      id: regionId(photo, region),
      photo,
      classId: region.classId,
      box: region.box,
      area: region.pixels.length,
      decision: decisionOf(region, values, cellOf, similarity, settings),
      prototype: facts.prototype,
      clusters,
      situation,
      background: facts.background(main),
      counterfactual,
      stable: Object.values(counterfactual).every(share => share === null || share >= 0.5),
      provenance: { ...input.provenance, grid: [similarity.height, similarity.width], settings: recordOfSettings(settings) },
    };
  });
}

function decisionOf({ pixels }: Region, values: Float32Array, cellOf: CellOf, { bestTag }: SimilarityMap, { threshold, rule }: MarsSettings): Evidence['decision'] {
  const histogram = new Array<number>(BINS).fill(0);
  const tags = new Map<number, number>();
  let sum = 0;
  let flippedByCrf = 0;
  for (const p of pixels) {
    const value = values[p];
    sum += value;
    histogram[Math.min(BINS - 1, Math.floor(value * BINS))]++;
    if (value > threshold) flippedByCrf++;
    const tag = bestTag[cellOf(p)];
    tags.set(tag, (tags.get(tag) ?? 0) + 1);
  }
  const bestTags = [...tags].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([classId, count]) => ({ classId, share: count / pixels.length }));
  return { meanSimilarity: sum / pixels.length, histogram, threshold, rule, flippedByCrf, bestTags };
}

/** What all regions of a class in a photo have in common. */
interface ClassFacts {
  prototype: Evidence['prototype'];
  /** Places in the ranking of the photo's clusters, by cluster. */
  places: { cluster: number; place: number }[];
  /** For each cell, the index into `places` of the cluster that it is nearest to. */
  nearest: Int16Array;
  background: (main: number | null) => Evidence['background'];
}

function classFacts({ photo, cells, decisions, store, backgrounds, settings }: ExplainInput, classId: number): ClassFacts | null {
  const decision = decisions.get(classId);
  if (!decision) return null;
  const { ranking, selected, cut, metric } = decision;
  const places = (decision.places.get(photo) ?? []).map(place => ({ cluster: ranking[place].cluster, place })).sort((a, b) => a.cluster - b.cluster);
  const centroids = places.map(({ place }) => ({ centroid: store.centroid(ranking[place].row) }));
  const reference = ({ photo: of, cluster, distance }: RankedCluster) => ({ photo: of, cluster, distance });
  const known = new Map<number, Evidence['background']>();
  return {
    prototype: {
      metric,
      selected,
      of: ranking.length,
      cut,
      contributes: places.some(({ place }) => place < selected),
      above: ranking.slice(0, Math.min(selected, SHOWN_CLUSTERS)).map(reference),
      below: ranking.slice(selected, selected + SHOWN_CLUSTERS).map(reference),
    },
    places,
    nearest: nearestClusters(cells.features, centroids),
    background(main) {
      if (main === null) return { photos: [], nearest: [] };
      const found = known.get(main) ?? backgroundOf(centroids[main].centroid, photo, classId, store, backgrounds, settings.neighbours);
      known.set(main, found);
      return found;
    },
  };
}

function backgroundOf(centroid: Float32Array, photo: string, classId: number, store: CentroidStore, backgrounds: Backgrounds, neighbours: number): Evidence['background'] {
  return {
    photos: backgrounds.nearestPhotos(centroid, SHOWN_PHOTOS),
    nearest: backgrounds.nearest(centroid, neighbours).map(near => {
      const tags = [...(store.get(near.photo)?.tags ?? [])];
      return { photo: near.photo, cluster: near.cluster, distance: near.distance, tags, strength: tags.includes(classId) ? ('weak' as const) : ('strong' as const), samePhoto: near.photo === photo };
    }),
  };
}

function clusterShares({ pixels }: Region, { places, nearest }: ClassFacts, cellOf: CellOf, { ranking, selected }: ClassDecision): { clusters: Evidence['clusters']; main: number | null; situation: Evidence['situation'] } {
  const counts = new Array<number>(places.length).fill(0);
  if (places.length > 0) for (const p of pixels) counts[nearest[cellOf(p)]]++;
  const clusters = places.map(({ cluster, place }, i) => {
    const { distance, otherDistance } = ranking[place];
    return { cluster, share: counts[i] / pixels.length, distance, otherDistance, rank: place + 1, of: ranking.length, selected: place < selected };
  });
  const below = clusters.reduce((sum, { share, selected: above }) => sum + (above ? 0 : share), 0);
  // A region without clusters of its own (fewer cells than are split) is not like backgrounds by any measure: dissimilarity alone decided.
  const situation =
    clusters.every(cluster => cluster.selected) ? 'all-above'
    : clusters.every(cluster => !cluster.selected) ? 'all-below'
    : below >= MOST ? 'split'
    : 'spread';
  return { clusters, main: places.length === 0 ? null : counts.indexOf(Math.max(...counts)), situation };
}

/** Values of the mask's pixels under other selections; null where nothing could be told of the photo. */
interface Alternatives {
  alphaLower: Float32Array | null;
  alphaHigher: Float32Array | null;
  withoutThisPhoto: Float32Array | null;
  otherMetric: Float32Array | null;
}

function alternativeValues({ photo, tags, mask, cells, decisions, store, settings }: ExplainInput): Alternatives {
  const values = (choice: Choice) => {
    const found = likeness(cells, photo, tags, decisions, settings, choice);
    return found && resizeBilinear({ data: found.values, channels: 1, height: found.height, width: found.width } satisfies Maps, mask.height, mask.width).data;
  };
  const before = (end: number) => (place: number) => place < end;
  const { alpha } = settings;
  return {
    alphaLower: values({
      prototype: ({ alternatives }) => alternatives.alphaLower,
      chosen: ({ ranking }) => before(selectedOf(ranking.length, alpha - ALPHA_STEP)),
    }),
    alphaHigher: values({
      prototype: ({ alternatives }) => alternatives.alphaHigher,
      chosen: ({ ranking }) => before(selectedOf(ranking.length, alpha + ALPHA_STEP)),
    }),
    withoutThisPhoto: values({
      prototype: decision => prototypeWithout(store, decision, photo, alpha),
      chosen: decision => before(selectionWithout(decision, photo, alpha).end),
    }),
    otherMetric: values({
      prototype: ({ alternatives, prototype }) => alternatives.otherMetric ?? prototype,
      chosen: ({ otherPlaces, selected }) => place => (otherPlaces?.[place] ?? place) < selected,
    }),
  };
}

function counterfactuals({ pixels }: Region, values: Float32Array, alternatives: Alternatives, decision: ClassDecision, threshold: number): Evidence['counterfactual'] {
  const own = pixels.filter(p => values[p] <= threshold);
  const decided = own.length > 0 ? own : pixels;
  const share = (others: Float32Array | null, cut: number) => {
    let removed = 0;
    // Where nothing can be told nothing is removed.
    if (others) for (const p of decided) if (others[p] <= cut) removed++;
    return removed / decided.length;
  };
  return {
    alphaLower: share(alternatives.alphaLower, threshold),
    alphaHigher: share(alternatives.alphaHigher, threshold),
    withoutThisPhoto: share(alternatives.withoutThisPhoto, threshold),
    otherMetric: decision.alternatives.otherMetric && share(alternatives.otherMetric, threshold),
    thresholdLower: share(values, threshold - THRESHOLD_STEP),
    thresholdHigher: share(values, threshold + THRESHOLD_STEP),
  };
}

type CellOf = (pixel: number) => number;

/** The cell that holds a pixel's centre. */
function cellsOfPixels(mask: LabelMap, grid: { height: number; width: number }): CellOf {
  const columns = Int32Array.from({ length: mask.width }, (_, x) => Math.floor(((x + 0.5) * grid.width) / mask.width));
  const rows = Int32Array.from({ length: mask.height }, (_, y) => Math.floor(((y + 0.5) * grid.height) / mask.height) * grid.width);
  return pixel => rows[Math.floor(pixel / mask.width)] + columns[pixel % mask.width];
}
