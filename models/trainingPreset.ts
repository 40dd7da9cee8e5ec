/**
 * The numbers of a training, the part `training` of a preset (`presets/standard.json`, `presets/full.json`): one section a stage, `null` where the preset does
 * without it. Names of the papers: RecurSeed + EdgePredictMix (arXiv 2204.06754), Puzzle-CAM (2101.11253), AffinityNet (CVPR 2018), IRNet (CVPR 2019).
 */
import * as v from 'valibot';
import { networkEntries, puzzleNetworkSchema, segmentationEntries } from './networkPreset';

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const positive = v.pipe(v.number(), v.gtValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1));
const role = v.picklist(['deep', 'middle', 'fine']);

/** What all stages that step have. */
const steps = { epochs: size, batch: size, rate: positive, weightDecay: v.pipe(v.number(), v.minValue(0)) };

/** Puzzle-CAM: heads on frozen features of the photo and of its tiles, or the whole backbone. */
const puzzleSchema = v.strictObject({
  ...steps,
  /** 'heads': on cached features; 'network': the backbone learns too. */
  what: v.picklist(['heads', 'network']),
  /** Weight of the reconstruction loss at its full height, and the share of the run that the ramp takes. */
  alpha: v.pipe(v.number(), v.minValue(0)),
  ramp: share,
  /** What 'heads' need besides; 'network' does without it. */
  heads: v.optional(v.strictObject({
    /** A head each; layers the backbone has not are left out. */
    layers: v.pipe(v.array(role), v.minLength(1)),
    /** Units of a head besides the two of each class, which begin as the linear head. */
    units: v.pipe(v.number(), v.integer(), v.minValue(0)),
    /** Tiles along a side. */
    tiles: v.pipe(size, v.minValue(2)),
  })),
  /** What training the backbone needs; 'heads' do without it. */
  network: v.optional(puzzleNetworkSchema),
});

export type PuzzlePreset = v.InferOutput<typeof puzzleSchema>;

/** Labels from seeds (RecurSeed), later from predictions (EdgePredict), and mixing. */
export const recursionSchema = v.strictObject({
  /** First epoch with recursive targets, and with EdgePredict labels and mixes; above `epochs`: never. */
  recurseFrom: size,
  mixFrom: size,
  /** How photos are mixed from `mixFrom` on. */
  mix: v.picklist(['edgePredict', 'classMix', 'none']),
  weights: v.strictObject({ classification: positive, cam: v.pipe(v.number(), v.minValue(0)), segmentation: positive, mixed: v.pipe(v.number(), v.minValue(0)) }),
  certainFilter: v.strictObject({ foreground: share, background: share }),
});

/** The light decoder on cached features (`networks/lightDecoder.ts`, `src/engine/training/decoder/`). */
const decoderSchema = v.strictObject({
  ...steps,
  /** Share of the run in which the rate rises to its full height; then it falls as half a cosine wave to nothing. */
  warmUp: share,
  /** Networks with chance of their own, heard together. */
  members: size,
  /** Into so many parts the photos are dealt; each member learns from all parts but one and is heard for that one alone. 1: all learn from all. */
  folds: size,
  hidden: v.array(size),
  /** Shares of a cell's and of hidden numbers that are dropped while it learns. */
  dropout: v.strictObject({ inputs: share, hidden: share }),
  /** What it sees of a cell: main directions of each layer (those the backbone has not are left out), fitted on `sample`; and more. */
  inputs: v.strictObject({
    layers: v.pipe(v.array(v.strictObject({ role, dimensions: size, weight: positive })), v.minLength(1)),
    /** Square roots of features that are 0 or more, in place of them. */
    root: v.boolean(),
    whiten: v.boolean(),
    sample: v.strictObject({ photos: size, cells: size }),
    /** Mean colour, place in the photo, and (where it is on) salience of the cell, times these; 0: not seen. */
    colour: v.pipe(v.number(), v.minValue(0)),
    place: v.pipe(v.number(), v.minValue(0)),
    saliency: v.pipe(v.number(), v.minValue(0)),
  }),
  /** Cells along a side of a cell of the first view's grid. */
  grid: size,
  /** Photos of an epoch at most: memory does not grow beyond them. And cells of each, on average, that an epoch's steps see. */
  photos: size,
  cellsPerPhoto: size,
  /** First labels, from the seeds: certain filter of their scores; where debiasing took a class away, the background, nothing, or what the moving average of the network itself says (complementing). */
  seeds: v.strictObject({ foreground: share, background: share, removed: v.picklist(['background', 'ignored', 'complemented']) }),
  /** Decay of the moving average. */
  average: share,
  /** A class weighs (its share of the cells) to minus this power. */
  classWeight: v.pipe(v.number(), v.minValue(0)),
  /** Softmax over the background and the photo's tags alone, in training too. */
  restricted: v.boolean(),
  smoothing: share,
  /** null: the seeds' labels are learnt from to the end, without a classifier. */
  recursion: v.nullable(v.strictObject({
    ...recursionSchema.entries,
    loss: v.picklist(['l1', 'bce']),
    /** Whole photos of a step. */
    batch: size,
    /** Photos that are mixed an epoch: each goes through the backbone anew. */
    mixes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  })),
});
export type DecoderPreset = v.InferOutput<typeof decoderSchema>;

/** Single-stage RecurSeed + EdgePredictMix: classifier and DeepLabv3+ on a backbone that learns (`src/engine/training/network/`). Papers: batch, epochs, rate and decay are unknown; DHR: 16, 100, 1e-3, 4e-5. */
const networkSchema = v.strictObject({ ...steps, ...recursionSchema.entries, ...networkEntries });
export type NetworkPreset = v.InferOutput<typeof networkSchema>;

/** The final segmentation network, taught by pseudo masks; with MARS's complementing. */
const segmentationSchema = v.strictObject({ ...steps, ...segmentationEntries });
export type SegmentationPreset = v.InferOutput<typeof segmentationSchema>;

/** How probabilities of a trained network become masks (`src/pipeline/decoderMask.ts`). */
const maskSchema = v.strictObject({
  /** As `tagWeight` of the preset, for probabilities. */
  tagWeight: v.pipe(v.number(), v.minValue(0)),
  /** Whether they are carried along the photo's colours. */
  pamr: v.boolean(),
  /** Background score of p_k / (p_k + p_0): at 0.5 the likelier of the two. */
  threshold: share,
  /** The cue for such scores; its `threshold` takes the place of the one above. */
  saliency: v.strictObject({ threshold: share, exponent: positive, floor: share, peak: share, blind: share, closer: positive }),
});

export const trainingSchema = v.strictObject({
  seed: size,
  /** Steps from one checkpoint to the next. */
  checkpointEvery: size,
  /** Photos whose masks are made anew after each epoch, to look at. */
  samples: v.pipe(v.number(), v.integer(), v.minValue(0)),
  masks: v.optional(maskSchema, { tagWeight: 0, pamr: true, threshold: 0.5, saliency: { threshold: 0.4, exponent: 0.5, floor: 0.1, peak: 0.7, blind: 0.02, closer: 1.6 } }),
  puzzle: v.nullable(puzzleSchema),
  decoder: v.optional(v.nullable(decoderSchema), null),
  network: v.optional(v.nullable(networkSchema), null),
  segmentation: v.optional(v.nullable(segmentationSchema), null),
});
export type TrainingPreset = v.InferOutput<typeof trainingSchema>;
