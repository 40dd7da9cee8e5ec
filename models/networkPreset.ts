/**
 * What sections of a preset have in common whose stages train on images (`network`, `segmentation`, and `puzzle` where the backbone learns). RecurSeed +
 * EdgePredictMix's training was never published: numbers that are not known stand here as settings, with what the same author's later trainer (DHR) or Puzzle-CAM has as
 * the proposal.
 */
import * as v from 'valibot';
import { PRECISIONS } from './mixedPrecision';
import { count, notNegative, positive, share, size } from './presetNumbers';


/** How photos become crops. */
const augmentationSchema = v.strictObject({
  /** Side of the square crops in pixels; brought to a multiple of what the backbone wants (twice that where photos are cut into tiles). Published: 512. */
  crop: size,
  /** The longer side of a photo becomes a number of chance in this range before it is cropped. Published: 320 to 640. */
  longSide: v.pipe(v.strictObject({ least: size, most: size }), v.check(({ least, most }) => least <= most, 'least is more than most')),
  flip: v.boolean(),
  /** Largest changes of brightness, contrast, saturation (shares) and hue (share of a turn). DHR: 0.3, 0.3, 0.3, 0.1; RS+EPM and Puzzle-CAM: in the code, off. */
  jitter: v.nullable(v.strictObject({ brightness: share, contrast: share, saturation: share, hue: v.pipe(v.number(), v.minValue(0), v.maxValue(0.5)) })),
});
export type Augmentation = v.InferOutput<typeof augmentationSchema>;

/** Which weights of the backbone learn: its last stages (a stage ends where the stride grows, or at a layer that its description names), all, or none. */
const learnsSchema = v.union([v.picklist(['all', 'none']), v.strictObject({ lastStages: size })]);
export type Learns = v.InferOutput<typeof learnsSchema>;

/** What every stage has that trains on images. */
export const imageTrainingEntries = {
  /** 'mixed': convolutions and products in halves (`mixedPrecision.ts`); 'auto': so on a graphics processor whose halves are sound. */
  precision: v.optional(v.picklist(PRECISIONS), 'auto'),
  augmentation: augmentationSchema,
  learns: learnsSchema,
  /** New layers learn this much faster than the backbone. Published: 10. */
  newRate: positive,
  /** Unknown; DHR: 0.9. */
  momentum: share,
  /** The rate falls as (1 - t / T)^power, with every step. Published: 0.9. */
  power: positive,
  /** Gradients whose common norm is larger are shortened to it; not in the papers. */
  clipNorm: v.nullable(positive),
  /** Moving average of the weights, most (1 - exp(-step / over)); it is what comes out of the training. RS+EPM: 0.9999 over 2000; small folders make fewer steps than that. */
  average: v.nullable(v.strictObject({ most: share, over: positive })),
};

/** DeepLabv3+'s decoder on the backbone. */
export const deeplabSchema = v.strictObject({
  /** Of the ASPP's branches and of the decoder. Published: 256. */
  channels: size,
  /** What the shallow layer is brought to. RS+EPM: 256; DeepLabv3+: 48. */
  lowChannels: size,
  /** Dilations of the ASPP's 3 x 3 branches. RS+EPM (stride 16): 6, 12, 18; its final stage (stride 8): 12, 24, 36. */
  rates: v.array(size),
  /** Side of the last convolution. RS+EPM: 3; DeepLabv3+: 1. */
  finalKernel: v.picklist([1, 3]),
  /** Of the new layers. 'group' is the same for any batch (Puzzle-CAM: 4 groups, beside frozen batch norm of the backbone). */
  norm: v.picklist(['group', 'none']),
  groups: size,
  /** Shares of channels that are dropped after the ASPP and after either convolution of the decoder. Published: 0.5, 0.5, 0.1. */
  dropout: v.tuple([share, share, share]),
});
export type DeeplabOptions = v.InferOutput<typeof deeplabSchema>;

/** How a trained network looks at a photo. */
export const predictionSchema = v.strictObject({
  /** Longer side at scale 1. */
  longSide: size,
  /** The first one's grid is the result's. Published: 1, 0.5, 1.5, 2, each also mirrored. */
  scales: v.pipe(v.array(positive), v.minLength(1)),
  flip: v.boolean(),
});
export type Prediction = v.InferOutput<typeof predictionSchema>;

/** Entries of the section `network` besides those of every stage and of the recursion. */
export const networkEntries = {
  ...imageTrainingEntries,
  decoder: deeplabSchema,
  /** The classifier begins as the heads that were learnt on frozen features, or at random. (A network before it that has a classifier goes first.) */
  classifier: v.picklist(['heads', 'random']),
  /** Form of L_rec: unknown. L1 is what the same author's Puzzle-CAM has; 'bce' the alternative. */
  recursion: v.picklist(['l1', 'bce']),
  /** Pixels of the crop per pixel of labels; unknown: 4 (first version's transforms) or 1. */
  labelStride: size,
  /** Weight of the classification loss of mixed photos: 1 in the first version, absent from the third's figure. */
  mixedClassification: notNegative,
  /** Tags of a mixed photo: the classes that its label still shows, or those of both photos (first version). */
  mixedTags: v.picklist(['shown', 'both']),
  /** ClassMix: a pixel whose probability is at least this is confident; the share of such pixels weighs the mixed loss. Published: 0.968. */
  confident: share,
  prediction: predictionSchema,
};

/** Entries of the section `segmentation` besides those of every stage. */
export const segmentationEntries = {
  ...imageTrainingEntries,
  decoder: deeplabSchema,
  /** What it is taught: masks of the stage before it, or the seeds. */
  labels: v.picklist(['previous', 'seeds']),
  labelStride: size,
  /** MARS: the moving average fills in what debiasing removed, after a CRF of so many iterations (0: none); null: what was removed is background. */
  complement: v.nullable(v.strictObject({ crfIterations: count })),
  prediction: predictionSchema,
};

/** What a Puzzle-CAM of the whole backbone has besides the entries of its section. */
export const puzzleNetworkSchema = v.strictObject({
  ...imageTrainingEntries,
  classifier: v.picklist(['heads', 'random']),
  prediction: predictionSchema,
});
