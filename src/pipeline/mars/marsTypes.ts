/**
 * MARS, debiasing of pseudo masks with unsupervised features (Jo et al., "MARS: Model-agnostic Biased Object Removal without Additional Supervision", ICCV 2023):
 * what its steps hand to each other. A photo is seen twice; between the passes only centroids are kept.
 *
 *     pass 1      clusterPhoto(features, mask)             local K-means of each label's region: centroids       clusters.ts, kMeans.ts
 *                 CentroidStore.set(photo, ...)            the data set's state                                  centroidStore.ts
 *     between     decideClasses(store, settings)           distances to backgrounds, ranks, prototypes, gap      distances.ts, prototypes.ts
 *                 calibrate(decisions, sample)             rule 'percentile' alone: cosines of a few photos      calibration.ts
 *     pass 2      similarityMap(cells, photo, tags, ...)   likeness to the classes of the photo's tags           similarityMap.ts, margin.ts
 *                 debias(mask, map, ...)                   which pixels go                                       debias.ts
 *                 explainPhoto(...), ClassTotals           evidence of each region, of each class                evidence.ts, classSummary.ts
 *
 * Order is free: photos are ranked and summed by name, so that parts of a data set merge to the result of the whole, bit by bit.
 */
import type { MarsMetric } from '../../shared/evidence';
import { CRF_PARAMETERS, type CrfParameters } from '../denseCrf';
import type { PackedRows } from './dotProducts';

/**
 * How a cosine becomes a value that is cut at `threshold`:
 * 'absolute': relu(cos), the paper's, for codes that were trained so that unrelated pairs have cosines of 0 or less (STEGO);
 * 'percentile': relu(cos) moved so that a class's t_c falls on 0.5, t_c a low percentile of cos over the cells of the clusters that made the prototype;
 * 'two-prototypes': sigmoid((cos to the prototype - cos to the mean of the other clusters) / temperature);
 * 'margin': no prototype but its clusters one by one, sigmoid((likeness * mean of the largest cosines to them, this photo's aside - mean of the largest cosines to
 * backgrounds of other photos - cut) / temperature). See margin.ts, and lossBudget.ts for each class's cut.
 */
export const MARS_RULES = ['absolute', 'percentile', 'two-prototypes', 'margin'] as const;
export type MarsRule = (typeof MARS_RULES)[number];

export interface MarsSettings {
  /** Clusters of a class region and of the background of a photo. */
  kForeground: number;
  kBackground: number;
  /** Share of a class's clusters, the farthest from backgrounds, that make its prototype. In (0, 1]. */
  alpha: number;
  metric: MarsMetric;
  /** Nearest backgrounds that 'knn-untagged' averages and evidence shows. */
  neighbours: number;
  /** Photos whose backgrounds are compared one by one ('knn-untagged', evidence): all, or this many spread evenly (so where
   * a class is in nearly all photos, few of them are untagged). The mean of 'paper-mean' always takes all. */
  mostBackgroundPhotos: number;
  rule: MarsRule;
  /** A pixel stays if its value is above this. 0..1, 0.5 in the paper. */
  threshold: number;
  /** Rule 'percentile': 0..100. */
  percentile: number;
  /** Rules 'two-prototypes' and 'margin'. */
  temperature: number;
  margin: MarginSettings;
  /** Null: the bare threshold. */
  crf: CrfParameters | null;
  /** Long side of the picture that the CRF works on, in pixels; its result is stretched to the mask. */
  crfSize: number;
  /** Removed regions of fewer pixels stay. */
  minRegion: number;
  /** A class whose distances do not fall into two groups is left alone; so is one with fewer photos than `minPhotos`. */
  onlyBiased: boolean;
  minPhotos: number;
  /** Least `gap` and `separation` (see prototypes.ts) of a class that is biased. */
  gapLimit: number;
  separationLimit: number;
}

/** Rule 'margin'. */
export interface MarginSettings {
  /** How many of the largest cosines are averaged on each side. */
  neighbours: number;
  /** Weight of the likeness to the class's clusters against that to backgrounds. 0 or more. */
  likeness: number;
  /** Backgrounds of photos with the tag count, too, if they are as like those without it as all but this share of these are to each other. Null: they do not. */
  confirmed: number | null;
  /** The margin that falls on 0.5. Null: each class's own, by its loss budget. */
  cut: number | null;
  /** Budget: share of the object that may be lost by estimate, and what is added to it for each share of its cells that is background. */
  loss: number;
  lossPerShare: number;
  /** A class is left alone if a smaller share of its cells is background. */
  gate: number;
  /** And if its cut finds a smaller share of the backgrounds around it: it looks too much like these. */
  reach: number;
}

/** The paper's constants; where it is silent, the neighbouring code of its authors, and ours. */
export const MARS_SETTINGS: MarsSettings = {
  kForeground: 2,
  kBackground: 2,
  alpha: 0.4,
  metric: 'paper-mean',
  neighbours: 10,
  mostBackgroundPhotos: 1024,
  rule: 'absolute',
  threshold: 0.5,
  percentile: 5,
  temperature: 0.1,
  margin: { neighbours: 5, likeness: 1, confirmed: null, cut: -0.08, loss: 0.03, lossPerShare: 0.3, gate: 0.02, reach: 0.4 },
  crf: CRF_PARAMETERS.rsepm,
  crfSize: 96,
  minRegion: 0,
  onlyBiased: true,
  minPhotos: 10,
  gapLimit: 3,
  separationLimit: 0.01,
};

/** One cluster of one label's region in one photo. */
export interface LocalCluster {
  /** 0 is the background. */
  classId: number;
  /** 0-based within photo and class. */
  cluster: number;
  /** Cells of the feature grid. */
  cells: number;
  /** D values: the mean of the raw feature vectors. */
  centroid: Float32Array;
}

/** What pass 1 finds in a photo. */
export interface PhotoClusters {
  clusters: LocalCluster[];
  /** The feature grid. */
  height: number;
  width: number;
  /** Majority label of each cell; 255: none. */
  labels: Uint8Array;
  /** Index into `clusters` of each cell; -1: none (undecided, or a region that is too small). */
  assignment: Int16Array;
}

/** A cluster in the ranking of its class. */
export interface RankedCluster {
  photo: string;
  cluster: number;
  cells: number;
  /** In the store: valid until the store changes. */
  row: number;
  /** To the backgrounds, under the decision's metric. 0..1. */
  distance: number;
  /** Under the other metric; null where that has nothing to compare with. */
  otherDistance: number | null;
}

/** Unit vectors that cells of a class are compared with one by one. */
export interface Neighbourhood {
  /** Clusters of the class, or some of them spread evenly over the ranking. */
  clusters: PackedRows;
  /** Place in the ranking of each of them. */
  places: readonly number[];
  /** Backgrounds of all photos, shared by all classes, and which of them count for this one. */
  backgrounds: PackedRows;
  wanted: Uint8Array;
  /** Where a photo's own are among them. */
  rowsOf(photo: string): readonly number[];
}

/** What the data set says about a class. */
export interface ClassDecision {
  classId: number;
  /** The one that ranked: 'paper-mean' where 'knn-untagged' was wanted and every photo with background has the tag. */
  metric: MarsMetric;
  /** Farthest from backgrounds first; ties by name of the photo, then by cluster. */
  ranking: readonly RankedCluster[];
  /** Places in `ranking` (0-based) of each photo's clusters. */
  places: ReadonlyMap<string, readonly number[]>;
  /** The first so many make the prototype. */
  selected: number;
  /** Distance of the last selected one. */
  cut: number;
  /** D: mean of the selected raw centroids. */
  prototype: Float32Array;
  /** D: mean of the others; null if there is none. */
  rejected: Float32Array | null;
  /** Whether distances fall into two groups: see `gapOf` in prototypes.ts. */
  gap: number;
  separation: number;
  biased: boolean;
  /** Photos that have clusters of the class. */
  photos: number;
  /** Why nothing of this class is removed, if so: in words for a person. Its prototype protects other tags' pixels all the same. */
  leftAlone: string | null;
  /** Share of clusters on which both metrics agree (selected or not). */
  metricAgreement: number | null;
  /** Rules 'percentile' and 'margin' (by loss budget): t_c, null until it is set. */
  calibration: number | null;
  /** Rule 'margin' by loss budget: share of the class's cells that is background by estimate. */
  backgroundShare: number | null;
  /** Place of each cluster of `ranking` under the other metric; null where that has no distances. */
  otherPlaces: readonly number[] | null;
  /** Rule 'margin': what cells are compared with. */
  neighbourhood: Neighbourhood | null;
  /** Prototypes under other choices, for counterfactuals; null where the choice does not exist. */
  alternatives: { alphaLower: Float32Array; alphaHigher: Float32Array; otherMetric: Float32Array | null };
}

/** Decisions by class id. A class that is in no mask has none. */
export type ClassDecisions = ReadonlyMap<number, ClassDecision>;

/** Likeness of each cell of the feature grid to the best prototype among the photo's tags. The record of the decision: `debias` needs nothing else of the features. */
export interface SimilarityMap {
  height: number;
  width: number;
  /** 0..255 for 0..1, after the rule. */
  values: Uint8Array;
  /** The tag whose prototype gave the value. */
  bestTag: Uint8Array;
}
