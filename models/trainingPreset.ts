/**
 * The numbers of a training, the part `training` of a preset (`presets/standard.json`, `presets/full.json`): one section a stage, `null` where the preset does
 * without it. Names of the papers: RecurSeed + EdgePredictMix (arXiv 2204.06754), Puzzle-CAM (2101.11253), AffinityNet (CVPR 2018), IRNet (CVPR 2019).
 */
import * as v from 'valibot';
import { AFFINITY_KINDS } from './affinityHeads';
import { networkEntries, puzzleNetworkSchema, segmentationEntries } from './networkPreset';
import { count, notNegative, positive, role, share, size } from './presetNumbers';


/** A dense CRF. */
export const crfSchema = v.strictObject({
  iterations: size,
  gaussian: v.strictObject({ xy: positive, weight: positive }),
  bilateral: v.strictObject({ xy: positive, rgb: positive, weight: positive }),
});

/** What all stages that step have. */
const steps = { epochs: size, batch: size, rate: positive, weightDecay: notNegative };

/** Puzzle-CAM: heads on frozen features of the photo and of its tiles, or the whole backbone. */
const puzzleSchema = v.pipe(v.strictObject({
  ...steps,
  /** 'heads': on cached features; 'network': the backbone learns too. */
  what: v.picklist(['heads', 'network']),
  /** Weight of the reconstruction loss at its full height, and the share of the run that the ramp takes. */
  alpha: notNegative,
  ramp: share,
  /** What 'heads' need besides; 'network' does without it. */
  heads: v.optional(v.strictObject({
    /** A head each; layers the backbone has not are left out. */
    layers: v.pipe(v.array(role), v.minLength(1)),
    /** Units of a head besides the two of each class, which begin as the linear head. */
    units: count,
    /** Tiles along a side. */
    tiles: v.pipe(size, v.minValue(2)),
  })),
  /** What training the backbone needs; 'heads' do without it. */
  network: v.optional(puzzleNetworkSchema),
}), v.check(section => section[section.what] !== undefined, "what 'what' names needs a part of that name"));

export type PuzzlePreset = v.InferOutput<typeof puzzleSchema>;

/** Labels from seeds (RecurSeed), later from predictions (EdgePredict), and mixing. */
export const recursionSchema = v.strictObject({
  /** First epoch with recursive targets, and with EdgePredict labels and mixes; above `epochs`: never. */
  recurseFrom: size,
  mixFrom: size,
  /** How photos are mixed from `mixFrom` on. */
  mix: v.picklist(['edgePredict', 'classMix', 'none']),
  weights: v.strictObject({ classification: positive, cam: notNegative, segmentation: positive, mixed: notNegative }),
  certainFilter: v.strictObject({ foreground: share, background: share }),
});

/** The light decoder on cached features (`networks/lightDecoder.ts`, `src/engine/training/decoder/`). */
const decoderSchema = v.pipe(v.strictObject({
  ...steps,
  /** Share of the run in which the rate rises to its full height; then it falls as half a cosine wave to nothing. */
  warmUp: share,
  /** The training is done so often, from new starts: from the second time on, the masks that the one before would make are the first labels. */
  rounds: v.optional(size, 1),
  /** Networks with chance of their own, heard together. */
  members: size,
  /**
   * Into so many parts the photos are dealt; each member learns from all parts but one and is heard for that one alone (as long as it knows the photo's classes). 1: all
   * learn from all. What is judged by those that learnt from it only repeats its labels.
   */
  folds: size,
  hidden: v.array(size),
  /** Shares of a cell's and of hidden numbers that are dropped while it learns. */
  dropout: v.strictObject({ inputs: share, hidden: share }),
  /** What it sees of a cell: main directions of each layer (those the backbone has not are left out), fitted on `sample`; and more. `spread` 0: directions count alike (whitened); 1: by their deviation. */
  inputs: v.strictObject({
    layers: v.pipe(v.array(v.strictObject({ role, dimensions: size, spread: share })), v.minLength(1)),
    /** Square roots of features that are 0 or more, in place of them. */
    root: v.boolean(),
    sample: v.strictObject({ photos: size, cells: size }),
    /** Mean colour, place in the photo, and (where it is on) salience of the cell, times these; 0: not seen. */
    colour: notNegative,
    place: notNegative,
    saliency: notNegative,
  }),
  /** Cells along a side of a cell of the first view's grid. */
  grid: size,
  /** Photos of an epoch at most: memory does not grow beyond them. And cells of each, on average, that an epoch's steps see. */
  photos: size,
  cellsPerPhoto: size,
  /**
   * First labels, from the seeds: their masks as they are, or what a certain filter of their scores is sure of; where debiasing took a class away, the background,
   * nothing, or what the moving average of the network itself says (complementing).
   */
  seeds: v.strictObject({ labels: v.picklist(['mask', 'certain']), foreground: share, background: share, removed: v.picklist(['background', 'ignored', 'complemented']) }),
  /** Classes get an offset each after an epoch, so that over the photos of the epoch they are as large as in the first labels. */
  holdAreas: v.boolean(),
  /** Decay of the moving average. */
  average: share,
  /** A class weighs (its share of the cells) to minus this power. */
  classWeight: notNegative,
  /** Softmax over the background and the photo's tags alone, in training too. */
  restricted: v.boolean(),
  smoothing: share,
  /** null: the seeds' labels are learnt from to the end, without a classifier. */
  recursion: v.nullable(v.strictObject({
    ...recursionSchema.entries,
    /** What the decoder learns from by then: the refined activation maps (as published), or the seeds still, the recursion being the classifier's, whose maps join the heads' in masks. */
    labels: v.optional(v.picklist(['cam', 'seeds']), 'cam'),
    /** Maps over their maximum against their targets, or maps as logits (`losses.ts`). */
    loss: v.picklist(['l1', 'bce']),
    /** Whole photos of a step. */
    batch: size,
    /** Photos that are mixed an epoch: each goes through the backbone anew. */
    mixes: count,
  })),
}), v.check(({ folds, members }) => folds <= members, 'there must be as many members as folds at least'));
export type DecoderPreset = v.InferOutput<typeof decoderSchema>;

/** Single-stage RecurSeed + EdgePredictMix: classifier and DeepLabv3+ on a backbone that learns (`src/engine/training/network/`). Papers: batch, epochs, rate and decay are unknown; DHR: 16, 100, 1e-3, 4e-5. */
const networkSchema = v.strictObject({ ...steps, ...recursionSchema.entries, ...networkEntries });
export type NetworkPreset = v.InferOutput<typeof networkSchema>;

/** The final segmentation network, taught by pseudo masks; with MARS's complementing. */
const segmentationSchema = v.strictObject({ ...steps, ...segmentationEntries });
export type SegmentationPreset = v.InferOutput<typeof segmentationSchema>;

const real = v.number();

/** How probabilities p of a trained network become masks, together with the frozen chain's maps and the salience (`src/pipeline/decoderMask.ts`). */
const opinions = {
  /** Weights of the network's ln p_k - ln p_0, cut to +-`limit`, and of ln of the frozen chain's map, at least ln `least`; and what is added. */
  network: real,
  limit: positive,
  chain: real,
  least: share,
  shift: real,
  /** The dense CRF on the odds that come out, with a background of odds `background`. */
  crf: v.nullable(v.strictObject({ background: positive, ...crfSchema.entries })),
};
const maskSchema = v.strictObject({
  /** Whether probabilities are carried along the photo's colours first. */
  pamr: v.boolean(),
  plain: v.strictObject(opinions),
  /** Where salience is looked at. */
  salient: v.strictObject({
    ...opinions,
    /** Weight of logit(s), s cut to [clip, 1 - clip]. Where the chain's map is strongest (>= peak of its maximum) and the mean of s is below `agreement`, it weighs less by their quotient. */
    saliency: real,
    clip: share,
    peak: share,
    agreement: positive,
    looks: v.strictObject({ mirrored: v.boolean(), reach: share, piece: share, grown: positive, smallest: share, largest: share, weight: share }),
  }),
});
export type MaskOpinions = v.InferOutput<typeof maskSchema>;

const MASKS: MaskOpinions = {
  pamr: false,
  plain: { network: 0.5, limit: 5.4, chain: 0.5, least: 0.001, shift: 0.757, crf: { background: 0.55, iterations: 10, gaussian: { xy: 1, weight: 3 }, bilateral: { xy: 67, rgb: 3, weight: 4 } } },
  salient: {
    network: 0.4, limit: 5.3, chain: 0.65, least: 0.02, shift: 1.8, saliency: 0.55, clip: 0.02, peak: 0.7, agreement: 0.2,
    crf: { background: 1, iterations: 5, gaussian: { xy: 1, weight: 1 }, bilateral: { xy: 40, rgb: 4, weight: 2 } },
    looks: { mirrored: true, reach: 0.4, piece: 0.1, grown: 1.5, smallest: 0.3, largest: 0.8, weight: 1 / 3 },
  },
};

/** AffinityNet, or the edge branch of IRNet, on cached features (`affinityHeads.ts`): what scores walk along. */
const affinitySchema = v.strictObject({
  ...steps,
  kind: v.picklist(AFFINITY_KINDS),
  /** Layers (those the backbone has not are left out), and how many channels each is brought to; multiples of 4. */
  layers: v.pipe(v.array(v.strictObject({ role, channels: v.pipe(size, v.multipleOf(4)) })), v.minLength(1)),
  /** Channels of the colours; 0: not seen. */
  colour: v.pipe(v.number(), v.integer(), v.minValue(0), v.multipleOf(4)),
  /** Numbers that affinityNet compares; published: 448. */
  features: size,
  /** Cells of the walk along a side of a cell of the coarsest layer, and cells of that layer along the sides of a crop. */
  grid: size,
  crop: size,
  /** Pairs are closer than this, in cells of the walk. Published: 5, and 10 for learning edges on a grid twice as fine. */
  radius: v.pipe(size, v.minValue(2)),
  /** A score above `foreground` is certain of its class, none above `background` of the background. Published: 0.30, 0.05. */
  labels: v.strictObject({ foreground: share, background: share }),
  /** Published, by mistake: almost none. */
  momentum: share,
});
export type AffinityPreset = v.InferOutput<typeof affinitySchema>;

export const trainingSchema = v.strictObject({
  seed: size,
  /** Steps from one checkpoint to the next. */
  checkpointEvery: size,
  /** Photos whose masks are made anew after each epoch, to look at. */
  samples: count,
  masks: v.optional(maskSchema, MASKS),
  puzzle: v.nullable(puzzleSchema),
  affinity: v.optional(v.nullable(affinitySchema), null),
  decoder: v.optional(v.nullable(decoderSchema), null),
  network: v.optional(v.nullable(networkSchema), null),
  segmentation: v.optional(v.nullable(segmentationSchema), null),
});
export type TrainingPreset = v.InferOutput<typeof trainingSchema>;
