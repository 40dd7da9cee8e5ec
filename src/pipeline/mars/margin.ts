/**
 * Rule 'margin': one prototype averages poses and parts, and backgrounds have no mean worth the name. So a cell x is compared with clusters one by one, and with what
 * it must not be:
 *
 *     S_V = mean of the k largest cos(x, v), v the class's selected clusters of other photos
 *     S_B = mean of the k largest cos(x, b), b background clusters of other photos: those without the tag, and confirmed ones of those with it (`countingFor`)
 *     score = likeness S_V - S_B          m(x) = sigmoid((score - t) / temperature)
 *
 * t is one cut for all classes, or each class's own (lossBudget.ts). The photo's own clusters are left out: each cell is like them. Ranks and selection are those of
 * the prototype, so are explanations.
 */
import type { CentroidStore } from './centroidStore';
import type { Backgrounds } from './distances';
import { packRows } from './dotProducts';
import type { ClassDecision, MarginSettings, MarsSettings, Neighbourhood, RankedCluster } from './marsTypes';
import type { CellFeatures } from './similarityMap';
import { meanOfLargest, unit } from './vectors';

/** Clusters of a class that a cell is compared with. */
const MOST_CLUSTERS = 1024;

/** What cells of a class are compared with. */
export function neighbourhoodOf(store: CentroidStore, ranking: readonly RankedCluster[], backgrounds: Backgrounds, classId: number, { neighbours, confirmed }: MarginSettings): Neighbourhood {
  const count = Math.min(ranking.length, MOST_CLUSTERS);
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * ranking.length) / count));
  const rows = new Float32Array(count * store.dimensions);
  places.forEach((place, i) => rows.set(unit(store.centroid(ranking[place].row)), i * store.dimensions));
  return {
    clusters: packRows(rows, store.dimensions),
    places,
    backgrounds: backgrounds.packed(),
    wanted: backgrounds.countingFor(classId, neighbours, confirmed),
    rowsOf: photo => backgrounds.rowsOf(photo),
  };
}

/**
 * The score of each cell. Null if it cannot be told: no other photo has a part in the selection, or no background of another photo counts.
 * @param chosen which places of the ranking are selected
 */
export function marginScores(cells: CellFeatures, { neighbourhood, ranking }: ClassDecision, photo: string, chosen: (place: number) => boolean, { neighbours, likeness }: MarginSettings): Float64Array | null {
  if (!neighbourhood || neighbourhood.backgrounds.count === 0) return null;
  const { clusters, places } = neighbourhood;
  const wanted = Uint8Array.from(places, place => (chosen(place) && ranking[place].photo !== photo ? 1 : 0));
  if (!wanted.includes(1)) return null;
  const likeBackground = cells.backgroundMeans(neighbourhood, neighbours, photo);
  if (Number.isNaN(likeBackground[0])) return null;
  const { data, stride } = cells.products(clusters);
  return likeBackground.map((background, cell) => likeness * meanOfLargest(data.subarray(cell * stride, cell * stride + clusters.count), neighbours, wanted) - background);
}

/** m of each cell. Null if it cannot be told. */
export function marginValues(cells: CellFeatures, decision: ClassDecision, photo: string, chosen: (place: number) => boolean, { margin, temperature }: Pick<MarsSettings, 'margin' | 'temperature'>): Float64Array | null {
  const cut = margin.cut ?? decision.calibration;
  const scores = cut === null ? null : marginScores(cells, decision, photo, chosen, margin);
  return scores && scores.map(score => 1 / (1 + Math.exp(((cut ?? 0) - score) / temperature)));
}
