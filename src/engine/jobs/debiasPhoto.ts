/**
 * Pass 2 for one photo: similarity to the prototypes of its classes, the cut, the removed regions with their evidence.
 */
import { regionRuns } from '../../dataset/regionPixels';
import type { CellPair, RegionRecord } from '../../dataset/evidenceStore';
import type { CentroidStore } from '../../pipeline/mars/centroidStore';
import { classesOf } from '../../pipeline/mars/clusters';
import { hintedMask } from '../../pipeline/hints';
import { debias, type Debiased } from '../../pipeline/mars/debias';
import type { Backgrounds } from '../../pipeline/mars/distances';
import { explainPhoto } from '../../pipeline/mars/evidence';
import type { ClassDecisions, MarsSettings } from '../../pipeline/mars/marsTypes';
import { CellFeatures, similarityMap } from '../../pipeline/mars/similarityMap';
import type { LabelMap } from '../../shared/maps';
import type { Hints } from '../../shared/review';
import type { DebiasSource } from './debiasSources';
import type { MarsSpace } from './marsSpace';
import type { Workshop } from './workshop';

/** What decides, the same for all photos of a run. */
export interface PhotoDecider {
  store: CentroidStore;
  decisions: ClassDecisions;
  /** Of any photos, for evidence. */
  backgrounds: Backgrounds;
  settings: MarsSettings;
  space: MarsSpace;
  workshop: Workshop;
  run: string;
  version: string;
}

export interface DebiasedPhoto {
  /** Class id where removed, else 0. */
  removed: LabelMap;
  similarity: CellPair;
  regions: RegionRecord[];
}

/** Pixels of the photo for which `minRegion` is given. */
const USUAL_AREA = 500 * 375;

/** The smallest region that is worth a person's look grows with the photo. */
function scaledTo({ height, width }: LabelMap, settings: MarsSettings): MarsSettings {
  return { ...settings, minRegion: Math.round((settings.minRegion * height * width) / USUAL_AREA) };
}

/** Regions in which a person's point or scribble says that the class is there are not removed. */
function withoutPinned(debiased: Debiased, { points, scribbles }: Hints): Debiased {
  const { height, width } = debiased.removed;
  const pinned = hintedMask({ data: new Uint8Array(height * width), height, width }, { points, scribbles, boxes: [] }).data;
  const regions = debiased.regions.filter(({ classId, pixels }) => !pixels.some(p => pinned[p] === classId));
  const removed = { ...debiased.removed, data: new Uint8Array(height * width) };
  for (const { classId, pixels } of regions) for (const p of pixels) removed.data[p] = classId;
  return { ...debiased, regions, removed };
}

/** @throws SeedMaskError with the reason why this photo cannot be debiased */
export async function debiasPhoto({ photo, source, tags, before, hints }: DebiasSource, mask: LabelMap, decider: PhotoDecider): Promise<DebiasedPhoto> {
  const { decisions, store, backgrounds, space, workshop, run, version } = decider;
  const settings = scaledTo(mask, decider.settings);
  const classes = classesOf(mask, tags);
  const removable = new Set(classes.filter(id => decisions.get(id)?.leftAlone === null));
  const nothing = { removed: { ...mask, data: new Uint8Array(mask.data.length) }, similarity: { height: 1, width: 1, first: new Uint8Array(1), second: new Uint8Array(1) }, regions: [] };
  if (!mask.data.some(id => removable.has(id))) return nothing;

  const cells = new CellFeatures(await space.features(photo, source));
  const similarity = similarityMap(cells, photo, classes, decisions, settings);
  if (!similarity) return nothing;
  const picture = settings.crf ? (await workshop.read(photo)).image : null;
  const found = debias(mask, similarity, removable, settings, picture);
  const debiased = hints ? withoutPinned(found, hints) : found;
  const evidence = explainPhoto({
    photo, tags: classes, mask, cells, similarity, debiased, decisions, store, backgrounds, settings, provenance: { run, source, mask: before, model: space.key, features: { name: space.maps.name, model: space.maps.model }, version },
  });
  const regions = evidence.map((record, i): RegionRecord => {
    const { box, pixels } = debiased.regions[i];
    const inside = new Set(pixels);
    return { ...record, pixels: regionRuns(box, mask.width, p => inside.has(p)) };
  });
  return { removed: debiased.removed, similarity: { ...similarity, first: similarity.values, second: similarity.bestTag }, regions };
}
