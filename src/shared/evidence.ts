/**
 * The evidence behind one removed region (MARS, ICCV 2023; what such a record must hold: the faithful chain decision - prototype - clusters of the photo -
 * backgrounds of other photos - counterfactuals - provenance). A removal is a decision of pixels against class prototypes; distances to backgrounds act only
 * through the choice of the prototype, so nothing here says that one photo caused it. One JSON line per region in `.seedmask/evidence/<photo>.jsonl`, one file
 * of class summaries in `.seedmask/evidence/classes.json`. Written by the engine, read by the review page and `seedmask explain`.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const number = v.pipe(v.number(), v.finite());
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const classId = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(254));

/** How distances of clusters to backgrounds are measured: the paper's mean over all backgrounds, or the mean of the nearest ones of photos without the tag. */
export const MARS_METRICS = ['paper-mean', 'knn-untagged'] as const;
export type MarsMetric = (typeof MARS_METRICS)[number];

/** One cluster of one photo's class region (or of its background: classId 0), by its place in the data set. */
export const clusterRefSchema = v.object({ photo: v.string(), cluster: count, distance: number });
export type ClusterRef = v.InferOutput<typeof clusterRefSchema>;

export const evidenceSchema = v.object({
  /** Unique in the data set and stable while photo, class and box are: `<photo>#<class id>@<x>,<y>,<width>,<height>`. */
  id: v.string(),
  photo: v.string(),
  classId,
  /** x, y, width, height in pixels of the mask. */
  box: v.tuple([count, count, count, count]),
  /** Pixels. */
  area: count,
  /** The decision itself, over the region's pixels. */
  decision: v.object({
    /** Similarity to the best prototype among the photo's tags, as it was cut (calibrated: the cut is 0.5). */
    meanSimilarity: number,
    /** 16 bins of equal width over 0..1. */
    histogram: v.pipe(v.array(count), v.length(16)),
    threshold: number,
    /** How similarity became a map that is cut at `threshold`; a term of docs/algorithms.md. */
    rule: v.string(),
    /** Pixels removed although their own similarity would have kept them (the CRF followed colours). */
    flippedByCrf: count,
    /** Share of the region's pixels by the tag whose prototype was the most similar. */
    bestTags: v.array(v.object({ classId, share })),
  }),
  /** How the prototype of the class was chosen: the `selected` clusters farthest from backgrounds of `of`, cut at distance `cut`. */
  prototype: v.object({
    metric: v.picklist(MARS_METRICS),
    selected: count,
    of: count,
    cut: number,
    /** Whether this photo has a part in it. */
    contributes: v.boolean(),
    /** Farthest first: the first ones above the cut, and the first ones below it. */
    above: v.array(clusterRefSchema),
    below: v.array(clusterRefSchema),
  }),
  /** The clusters of this class in this photo. */
  clusters: v.array(
    v.object({
      cluster: count,
      /** Of the region's pixels. */
      share,
      distance: number,
      /** Under the other metric. */
      otherDistance: v.nullable(number),
      /** 1 is the farthest from backgrounds. */
      rank: count,
      of: count,
      selected: v.boolean(),
    }),
  ),
  /**
   * 'split': most of the region is in clusters below the cut, another cluster is above; 'all-above': every cluster is above the cut, so the region went for its
   * dissimilarity to the prototype and not for its likeness to backgrounds; 'all-below': the whole object is doubtful; 'spread': the region lies in both.
   */
  situation: v.picklist(['split', 'all-above', 'all-below', 'spread']),
  background: v.object({
    /** Photos with the smallest mean distance between the region's main cluster and their backgrounds, and their share of 0.5 - distance. Exact for 'paper-mean'. */
    photos: v.array(v.object({ photo: v.string(), distance: number, share: number })),
    /** The nearest background clusters. 'strong': of a photo without the tag; 'weak': of a photo with it (perhaps the object itself, missed by the mask). */
    nearest: v.array(v.object({ ...clusterRefSchema.entries, tags: v.array(classId), strength: v.picklist(['strong', 'weak']), samePhoto: v.boolean() })),
  }),
  /** Share of the region's pixels that would be removed still, if … */
  counterfactual: v.object({
    alphaLower: share,
    alphaHigher: share,
    withoutThisPhoto: share,
    otherMetric: v.nullable(share),
    thresholdLower: share,
    thresholdHigher: share,
  }),
  /** Most of the region is removed under every counterfactual. */
  stable: v.boolean(),
  provenance: v.object({
    run: v.string(),
    /** sha256 of the photo, of the mask before, of the feature space. */
    source: v.string(),
    mask: v.string(),
    model: v.string(),
    /** What cells were compared by: its name, and the sha256 of the model file it comes from. Older records lack it. */
    features: v.optional(v.object({ name: v.string(), model: v.string() })),
    /** Rows and columns of features. */
    grid: v.tuple([count, count]),
    /** Every constant of the run's debiasing. */
    settings: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
    version: v.string(),
  }),
});
export type Evidence = v.InferOutput<typeof evidenceSchema>;

export const classEvidenceSchema = v.object({
  classId,
  name: v.string(),
  photos: count,
  /** Why nothing is removed of this class, if so: in words for a person. */
  leftAlone: v.nullable(v.string()),
  /** Whether the distances fall into two groups: the gap at the cut against the spread (see docs/algorithms.md); larger is clearer. */
  gap: number,
  biased: v.boolean(),
  /** Share of the class's cells that look like backgrounds, by estimate, where the rule tells it: the larger, the more it is biased. */
  backgroundShare: v.optional(v.nullable(share)),
  /** Rule 'margin': the class's own cut, which falls on 0.5. */
  marginCut: v.optional(v.nullable(number)),
  /** The cosine that the rule moved to the cut; null where it moves none. */
  calibration: v.optional(v.nullable(number)),
  /** Distances of all clusters, farthest from backgrounds first; the first `selected` make the prototype. */
  distances: v.array(number),
  clusters: v.array(clusterRefSchema),
  selected: count,
  cut: number,
  /** Pixels. */
  removed: count,
  before: count,
  photosChanged: count,
  photosEmptied: count,
  regions: count,
  fragile: count,
  /** Share of clusters on which the two metrics agree (selected or not). */
  metricAgreement: v.nullable(share),
  /** Recurring background groups that the removed regions are nearest to, largest first, with sample clusters to show. They have no names. */
  groups: v.array(v.object({ group: count, pixels: count, samples: v.array(clusterRefSchema) })),
});
export type ClassEvidence = v.InferOutput<typeof classEvidenceSchema>;

/** A person's word on a region or on all regions of a class. */
export const CHOICES = ['accepted', 'restored'] as const;
export type Choice = (typeof CHOICES)[number];
