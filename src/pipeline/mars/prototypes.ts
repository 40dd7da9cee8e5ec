/**
 * What a data set says about each class (MARS, stage b): the class's clusters of all photos are ranked by their distance to backgrounds, and the mean of the first
 * ceil(alpha n) raw centroids is the class's one prototype; the mean of the others is the prototype of what comes along with it. There is no choice within a photo.
 *
 * Whether a class is biased at all: its distances are parted in two where the parts' means are farthest apart for their sizes (Otsu, each part a fifth at least), and
 *
 *     separation = mean of the upper part - mean of the lower part          gap = separation / sqrt((variance above + variance below) / 2)      (Ashman's D)
 *
 * One hump has a gap of about 2.7 (normal) to 3.5 (flat), two clearly parted ones more than that. A class is biased if gap and separation reach their limits.
 */
import type { CentroidStore, StoredCluster } from './centroidStore';
import { Backgrounds, meanDistance } from './distances';
import { neighbourhoodOf } from './margin';
import type { ClassDecision, ClassDecisions, MarsSettings, RankedCluster } from './marsTypes';

/** What counterfactuals add to alpha and take from it. */
export const ALPHA_STEP = 0.1;
/** Share of a class's clusters in the smaller part of its distances, at least. */
const LEAST_PART = 0.2;
/** Distances that differ less are noise of their digits. */
const LEAST_SPREAD = 1e-6;

export type DecisionSettings = Pick<MarsSettings, 'alpha' | 'metric' | 'rule' | 'margin' | 'neighbours' | 'mostBackgroundPhotos' | 'onlyBiased' | 'minPhotos' | 'gapLimit' | 'separationLimit'>;

/**
 * A decision for each class that has clusters. Time: clusters x D for 'paper-mean'; both metrics are always taken, so clusters x backgrounds x D, the backgrounds of
 * at most `mostBackgroundPhotos` photos.
 */
export function decideClasses(store: CentroidStore, settings: DecisionSettings): ClassDecisions {
  const { mean: meanBackground, count } = store.meanUnitBackground();
  const backgrounds = Backgrounds.of(store, settings.mostBackgroundPhotos);
  return new Map(
    [...store.byClass()].map(([classId, clusters]) => {
      const untagged = backgrounds.untagged(classId);
      const useNearest = settings.metric === 'knn-untagged' && untagged.count > 0;
      const centroids = clusters.map(({ row }) => store.centroid(row));
      const nearestMeans = untagged.nearestMeans(centroids, settings.neighbours);
      const ranking = clusters
        .map(({ photo, row, cluster, cells }, i): RankedCluster => {
          const mean = meanDistance(centroids[i], meanBackground);
          const nearest = nearestMeans?.[i] ?? null;
          const [distance, otherDistance] = useNearest && nearest !== null ? [nearest, mean] : [mean, nearest];
          return { photo, cluster, cells, row, distance, otherDistance };
        })
        .sort((a, b) => b.distance - a.distance || inOrder(a, b));
      const decision = decide(store, classId, ranking, useNearest ? 'knn-untagged' : 'paper-mean', settings);
      const neighbourhood = settings.rule === 'margin' ? neighbourhoodOf(store, ranking, backgrounds, classId, settings.margin) : null;
      return [classId, { ...decision, neighbourhood, leftAlone: count === 0 ? 'no photo has background to compare it with' : reasonToLeave(decision, settings) }];
    }),
  );
}

/** ceil(alpha n), safe against what multiplying adds; 1 to n. */
export function selectedOf(n: number, alpha: number): number {
  return Math.min(n, Math.max(1, Math.ceil(alpha * n - 1e-9)));
}

/** How clearly `distances` (descending) fall into two groups; zeros for fewer than two. */
export function gapOf(distances: readonly number[]): { gap: number; separation: number } {
  const n = distances.length;
  let best = { between: -1, gap: 0, separation: 0 };
  // Distances are near to each other: squares are taken from their mean.
  const mean = distances.reduce((total, distance) => total + distance, 0) / Math.max(1, n);
  const centred = distances.map(distance => distance - mean);
  let [sum, squares] = [0, 0];
  const all = centred.reduce((s, value) => s + value * value, 0);
  for (let upper = 1; upper < n; upper++) {
    sum += centred[upper - 1];
    squares += centred[upper - 1] ** 2;
    if (Math.min(upper, n - upper) < Math.max(1, Math.floor(LEAST_PART * n))) continue;
    const [meanAbove, meanBelow] = [sum / upper, -sum / (n - upper)];
    const separation = Math.max(0, meanAbove - meanBelow);
    const between = upper * (n - upper) * separation ** 2;
    if (between <= best.between) continue;
    const variance = (squares / upper - meanAbove ** 2 + (all - squares) / (n - upper) - meanBelow ** 2) / 2;
    best = { between, gap: separation / Math.max(LEAST_SPREAD, Math.sqrt(Math.max(0, variance))), separation };
  }
  return { gap: best.gap, separation: best.separation };
}

/** The prototype as it would be without a photo's clusters; null if there are no others. */
export function prototypeWithout(store: CentroidStore, decision: ClassDecision, photo: string, alpha: number): Float32Array | null {
  const { end, wanted, own } = selectionWithout(decision, photo, alpha);
  if (wanted === 0) return null;
  const sum = Float64Array.from(decision.prototype, value => value * decision.selected);
  const add = (place: number, sign: number) => store.centroid(decision.ranking[place].row).forEach((value, d) => (sum[d] += sign * value));
  for (let place = decision.selected; place < end; place++) add(place, 1);
  for (let place = end; place < decision.selected; place++) add(place, -1);
  for (const place of own) if (place < end) add(place, -1);
  return Float32Array.from(sum, value => value / wanted);
}

/** The selection without a photo's clusters: the `wanted` first others, which are all before place `end`. */
export function selectionWithout({ places, ranking }: ClassDecision, photo: string, alpha: number): { end: number; wanted: number; own: readonly number[] } {
  const own = places.get(photo) ?? [];
  const wanted = selectedOf(ranking.length - own.length, alpha);
  let end = wanted;
  for (const place of own) if (place < end) end++;
  return { end, wanted, own };
}

function decide(store: CentroidStore, classId: number, ranking: readonly RankedCluster[], metric: ClassDecision['metric'], settings: DecisionSettings): ClassDecision {
  const n = ranking.length;
  const selected = selectedOf(n, settings.alpha);
  const prototype = (clusters: readonly RankedCluster[], count: number) => meanOf(store, clusters.slice(0, count));
  const other = byOtherDistance(ranking);
  const places = new Map<string, number[]>();
  ranking.forEach(({ photo }, place) => {
    const own = places.get(photo);
    if (own) own.push(place);
    else places.set(photo, [place]);
  });
  const { gap, separation } = gapOf(ranking.map(({ distance }) => distance));
  const alsoOther = new Set(other?.slice(0, selected));
  return {
    classId,
    metric,
    ranking,
    places,
    selected,
    cut: ranking[selected - 1].distance,
    prototype: prototype(ranking, selected),
    rejected: selected < n ? meanOf(store, ranking.slice(selected)) : null,
    gap,
    separation,
    biased: gap >= settings.gapLimit && separation >= settings.separationLimit,
    photos: places.size,
    leftAlone: null,
    metricAgreement: other && ranking.filter((cluster, place) => alsoOther.has(cluster) === place < selected).length / n,
    calibration: null,
    backgroundShare: null,
    otherPlaces: other && otherPlacesOf(ranking, other),
    neighbourhood: null,
    alternatives: {
      alphaLower: prototype(ranking, selectedOf(n, settings.alpha - ALPHA_STEP)),
      alphaHigher: prototype(ranking, selectedOf(n, settings.alpha + ALPHA_STEP)),
      otherMetric: other && prototype(other, selected),
    },
  };
}

function reasonToLeave({ photos, biased }: ClassDecision, { onlyBiased, minPhotos, rule, margin }: DecisionSettings): string | null {
  if (!onlyBiased) return null;
  if (photos < minPhotos) return `it is in ${photos} ${photos === 1 ? 'photo' : 'photos'}, and fewer than ${minPhotos} do not tell what is usual`;
  // A loss budget tells better: see lossBudget.ts.
  if (rule === 'margin' && margin.cut === null) return null;
  return biased ? null : 'its regions do not fall into two groups, one of them like backgrounds: nothing suggests that something else is painted with it';
}

/** The ranking under the other metric; null where that has no distances. */
function byOtherDistance(ranking: readonly RankedCluster[]): RankedCluster[] | null {
  if (ranking.some(({ otherDistance }) => otherDistance === null)) return null;
  return [...ranking].sort((a, b) => (b.otherDistance ?? 0) - (a.otherDistance ?? 0) || inOrder(a, b));
}

function otherPlacesOf(ranking: readonly RankedCluster[], other: readonly RankedCluster[]): number[] {
  const places = new Map(other.map((cluster, place) => [cluster, place]));
  return ranking.map(cluster => places.get(cluster) ?? 0);
}

function inOrder(a: Pick<StoredCluster, 'photo' | 'cluster'>, b: Pick<StoredCluster, 'photo' | 'cluster'>): number {
  return a.photo < b.photo ? -1 : a.photo > b.photo ? 1 : a.cluster - b.cluster;
}

function meanOf(store: CentroidStore, clusters: readonly RankedCluster[]): Float32Array {
  const sum = new Float64Array(store.dimensions);
  for (const { row } of clusters) store.centroid(row).forEach((value, d) => (sum[d] += value));
  return Float32Array.from(sum, value => value / clusters.length);
}
