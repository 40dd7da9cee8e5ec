/**
 * Rule 'margin': one prototype averages poses and parts, and backgrounds have no mean worth the name. So a cell x is compared with clusters one by one, and with what
 * it must not be:
 *
 *     S_V = mean of the k largest cos(x, v), v the class's selected clusters of other photos
 *     S_B = mean of the k largest cos(x, b), b background clusters of photos without the tag
 *     m(x) = sigmoid((S_V - S_B - cut) / temperature)
 *
 * The photo's own clusters are left out: each cell is like them. Ranks and selection are those of the prototype, so are explanations.
 */
import type { CentroidStore } from './centroidStore';
import type { Backgrounds } from './distances';
import { packRows } from './dotProducts';
import type { ClassDecision, MarsSettings, Neighbourhood, RankedCluster } from './marsTypes';
import type { CellFeatures } from './similarityMap';
import { meanOfLargest, unit } from './vectors';

/** Clusters of a class that a cell is compared with. */
const MOST_CLUSTERS = 1024;

/** What cells of a class are compared with. */
export function neighbourhoodOf(store: CentroidStore, ranking: readonly RankedCluster[], untagged: Backgrounds): Neighbourhood {
  const count = Math.min(ranking.length, MOST_CLUSTERS);
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * ranking.length) / count));
  const rows = new Float32Array(count * store.dimensions);
  places.forEach((place, i) => rows.set(unit(store.centroid(ranking[place].row)), i * store.dimensions));
  return { clusters: packRows(rows, store.dimensions), places, backgrounds: untagged.packed() };
}

/**
 * m of each cell. Null if it cannot be told: no other photo has a part in the selection, or all photos with background have the tag.
 * @param chosen which places of the ranking are selected
 */
export function marginValues(cells: CellFeatures, decision: ClassDecision, photo: string, chosen: (place: number) => boolean, settings: Pick<MarsSettings, 'margin' | 'temperature'>): Float64Array | null {
  const { neighbourhood, ranking } = decision;
  if (!neighbourhood || neighbourhood.backgrounds.count === 0) return null;
  const { clusters, places, backgrounds } = neighbourhood;
  const wanted = Uint8Array.from(places, place => (chosen(place) && ranking[place].photo !== photo ? 1 : 0));
  if (!wanted.includes(1)) return null;
  const { neighbours, cut } = settings.margin;
  const likeBackground = cells.meansOfLargest(backgrounds, neighbours);
  const { data, stride } = cells.products(clusters);
  return likeBackground.map((background, cell) => {
    const own = meanOfLargest(data.subarray(cell * stride, cell * stride + clusters.count), neighbours, wanted);
    return 1 / (1 + Math.exp((background + cut - own) / settings.temperature));
  });
}
