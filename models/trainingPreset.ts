/**
 * The numbers of a training, the part `training` of a preset (`presets/standard.json`, `presets/full.json`): one section a stage, `null` where the preset does
 * without it. Names of the papers: RecurSeed + EdgePredictMix (arXiv 2204.06754), Puzzle-CAM (2101.11253), AffinityNet (CVPR 2018), IRNet (CVPR 2019).
 */
import * as v from 'valibot';

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const positive = v.pipe(v.number(), v.gtValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1));

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
});

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

export const trainingSchema = v.strictObject({
  seed: size,
  /** Steps from one checkpoint to the next. */
  checkpointEvery: size,
  /** Photos whose masks are made anew after each epoch, to look at. */
  samples: v.pipe(v.number(), v.integer(), v.minValue(0)),
  puzzle: v.nullable(puzzleSchema),
});
export type TrainingPreset = v.InferOutput<typeof trainingSchema>;
