/**
 * What a review is about: the queue of a data set's photos with their states, and one photo with everything there is to see of it. The engine reads these from
 * disk (`review*` requests of the protocol), the extension passes them on, the page shows them. Photos are named by their ids (paths relative to the root) on the
 * engine's wire and by their index in the queue on the page's.
 */
import * as v from 'valibot';
import { evidenceSchema, classEvidenceSchema, CHOICES } from './evidence';
import { labelPatchSchema } from './labelPatch';
import { bytesSchema as bytes } from './labelRuns';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/**
 * auto: as the engine (or another program) wrote it, and nobody said a word; edited: a person changed it; accepted, rejected: a person's word; empty-accepted: accepted, and nothing is in it; failed: the last run
 * could not make it; untagged: no tags, no mask; missing: tagged, no mask yet.
 */
export const PHOTO_STATES = ['auto', 'edited', 'accepted', 'empty-accepted', 'rejected', 'failed', 'untagged', 'missing'] as const;
export type PhotoState = (typeof PHOTO_STATES)[number];

/** A person's word on a mask; 'auto' takes it back. */
export const MARKS = ['accepted', 'rejected', 'auto'] as const;
export type Mark = (typeof MARKS)[number];

export const queueItemSchema = v.object({
  photo: v.string(),
  /** Path of the mask relative to the root, whether it is there or not. */
  mask: v.string(),
  state: v.picklist(PHOTO_STATES),
  /** Class ids. */
  tags: v.array(id),
  /** Share of the mask by class id, of the classes in it, without background; as far as it is known without decoding (written by the last run or review). */
  areas: v.nullable(v.array(v.object({ id, share }))),
  /** Why it failed. */
  problem: v.optional(v.string()),
  /** 0..1, larger is less sure; null where nothing is known. */
  uncertainty: v.object({
    /** Share of the seed that is 'ignore'. */
    ignore: v.nullable(share),
    /** Mean entropy of the refined maps against the background, in bits / log2(classes). */
    entropy: v.nullable(share),
    /** Share of removed pixels whose evidence is fragile. */
    fragile: v.nullable(share),
    /** How unusual its classes' areas are among the data set's: |z| squashed to 0..1. */
    size: v.nullable(share),
  }),
  /** Share of the mask's pixels that changed when it was made anew or edited. */
  change: v.nullable(share),
  /** Regions that MARS removed. */
  removedRegions: count,
});
export type QueueItem = v.InferOutput<typeof queueItemSchema>;

export const queueSchema = v.object({
  root: v.string(),
  classes: v.array(v.object({ id, name: v.string() })),
  items: v.array(queueItemSchema),
  notes: v.array(v.string()),
});
export type Queue = v.InferOutput<typeof queueSchema>;

/** 'before': the mask before debiasing. 'disk': the mask's file as something else changed it, while there are unsaved edits. */
export const LAYER_KINDS = ['cam', 'refined', 'seed', 'mask', 'removed', 'before', 'disk', 'truth'] as const;
export type LayerKind = (typeof LAYER_KINDS)[number];

/** One picture of a step. 'cam' and 'refined' hold scores of one class (0..255 for 0..1), the others labels. Sizes differ from layer to layer; each covers the whole photo. */
export const layerSchema = v.object({
  kind: v.picklist(LAYER_KINDS),
  /** Of score layers. */
  classId: v.optional(id),
  width: count,
  height: count,
  /** Scores: width x height bytes. Labels: labelRuns of width x height labels. */
  data: bytes,
  /** Stage, thresholds and model that made it, for people: 'CAM of heads, background score 0.26, inception-v3'. */
  made: v.string(),
  /** Background scores or other thresholds by name. */
  thresholds: v.record(v.string(), v.number()),
});
export type Layer = v.InferOutput<typeof layerSchema>;

/** The stronger labels of a photo: they pin pixels of a class or keep a class inside boxes. In pixels of the (oriented) photo. */
export const hintsSchema = v.object({
  boxes: v.array(v.object({ id, box: v.tuple([count, count, count, count]) })),
  points: v.array(v.object({ id, x: count, y: count })),
  scribbles: v.array(v.object({ id, radius: v.pipe(v.number(), v.minValue(0.5), v.maxValue(500)), points: v.array(v.tuple([count, count])) })),
});
export type Hints = v.InferOutput<typeof hintsSchema>;

export const photoViewSchema = v.object({
  photo: v.string(),
  /** Of the oriented photo. */
  width: count,
  height: count,
  /** sha256 of the photo's file. */
  source: hash,
  /** A picture for pages that cannot decode the photo's format (TIFF, CMYK, …): PNG or JPEG of the oriented photo, perhaps smaller. */
  preview: v.optional(v.object({ bytes, type: v.string() })),
  mask: v.nullable(
    v.object({
      /** sha256 of the mask's file; null: there is none yet, only unsaved edits. */
      hash: v.nullable(hash),
      /** Its own size; where it is not the photo's, it is shown stretched and cannot be edited. */
      width: count,
      height: count,
      runs: bytes,
      /** What is wrong with it, for people: another size, a re-ordered palette. */
      problem: v.optional(v.string()),
    }),
  ),
  /** Why there is no mask to show although a file is there. A damaged mask is never opened as an empty one. */
  maskProblem: v.optional(v.string()),
  layers: v.array(layerSchema),
  evidence: v.array(v.object({ ...evidenceSchema.entries, choice: v.nullable(v.picklist(CHOICES)) })),
  hints: hintsSchema,
});
export type PhotoView = v.InferOutput<typeof photoViewSchema>;

/** What to write of one photo. */
export const saveSchema = v.object({
  photo: v.string(),
  /** Hash of the mask file the edits were made on; null: there was none (the edits start from an empty mask of `width` x `height`). */
  base: v.nullable(hash),
  width: count,
  height: count,
  patches: v.array(labelPatchSchema),
  mark: v.optional(v.picklist(MARKS)),
  /** Removed regions whose choice changed. */
  choices: v.array(v.object({ evidence: v.string(), choice: v.nullable(v.picklist(CHOICES)) })),
  /** The file on disk is not `base` any more, and the person said: mine. */
  overwrite: v.boolean(),
});
export type Save = v.InferOutput<typeof saveSchema>;

/** 'conflict': the file on disk is neither `base` nor what would be written; nothing was written. */
export const savedSchema = v.variant('outcome', [
  v.object({ outcome: v.literal('saved'), hash, item: queueItemSchema }),
  v.object({ outcome: v.literal('conflict'), found: v.nullable(hash) }),
]);
export type Saved = v.InferOutput<typeof savedSchema>;

const root = v.pipe(v.string(), v.minLength(1));
const settings = v.object({ outputName: v.string(), tagsFile: v.optional(v.string()), backgroundNames: v.array(v.string()) });

/** What decides which photos, tags and masks a data set has. */
export type ReviewSettings = v.InferOutput<typeof settings>;

/** The review's requests to the engine (part of the protocol). Each is answered at once, beside a run of another process. Without `settings`: those of the last queue. */
export const reviewRequests = {
  reviewQueue: v.object({ root, settings }),
  /** One photo with all layers. `truth`: folder of true masks, absolute. */
  reviewPhoto: v.object({ root, settings, photo: v.string(), truth: v.optional(v.string()) }),
  reviewSave: v.object({ root, settings, save: saveSchema }),
  /** Marks many photos as they are on disk. */
  reviewMark: v.object({ root, settings, photos: v.array(v.string()), mark: v.picklist(MARKS) }),
  /** Small pictures of photos, JPEG; `cluster` outlines that cluster of the class (0: background) on it. */
  reviewThumbnails: v.object({
    root,
    longSide: v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(1024)),
    wanted: v.array(v.object({ photo: v.string(), cluster: v.optional(v.object({ classId: id, cluster: count })) })),
  }),
  reviewClasses: v.object({ root }),
  /** A person's tags of a photo (null: back to what the sources say) and hints; the next run of this photo uses them. */
  reviewTags: v.object({ root, settings: v.optional(settings), photo: v.string(), tags: v.optional(v.nullable(v.array(v.string()))), hints: v.optional(hintsSchema) }),
  /** Photos that a page has open with unsaved strokes: no run writes them. Replaces this process's earlier list; forgotten when the process ends. */
  reviewHold: v.object({ root, settings: v.optional(settings), photos: v.array(v.string()) }),
} as const;

export const reviewResults = {
  reviewQueue: queueSchema,
  reviewPhoto: photoViewSchema,
  reviewSave: savedSchema,
  reviewMark: v.object({ items: v.array(queueItemSchema) }),
  /** In the order asked for; null where the photo cannot be read. */
  reviewThumbnails: v.object({ thumbnails: v.array(v.nullable(bytes)) }),
  reviewClasses: v.object({ classes: v.array(classEvidenceSchema) }),
  reviewTags: v.object({ item: queueItemSchema }),
  reviewHold: v.object({}),
} as const;
