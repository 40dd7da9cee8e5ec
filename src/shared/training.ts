/**
 * What a training tells while it goes on: losses and tagging accuracy, a line each in `.seedmask/runs/<id>/metrics.jsonl` and an event each on the wire, and the masks
 * of a few photos after each epoch, so that a person sees them grow.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The parts of a training, in the order they run in; a preset leaves out what it does not need. */
export const TRAINING_STAGES = ['puzzle', 'affinity', 'decoder', 'network', 'segmentation'] as const;
export type TrainingStageName = (typeof TRAINING_STAGES)[number];

/** One point of the curves. */
export const metricsSchema = v.object({
  stage: v.picklist(TRAINING_STAGES),
  /** From 1. */
  epoch: count,
  epochs: count,
  /** Steps of this stage that are done. */
  step: count,
  steps: count,
  /** Mean since the last point, by the name of the loss; `total` is what was minimised. */
  losses: v.record(v.string(), v.number()),
  rate: v.number(),
  /** At the end of an epoch, of stages that tag: average precision of each class over the photos it learns from, 0..1, by class name. */
  tagging: v.optional(v.record(v.string(), v.number())),
  /** Since the training began, without interruptions. */
  seconds: v.number(),
});
export type TrainingMetrics = v.InferOutput<typeof metricsSchema>;

/** The mask of a sample photo after an epoch (0: before the first). */
export const sampleSchema = v.object({
  stage: v.picklist(TRAINING_STAGES),
  epoch: count,
  /** Id of the photo. */
  photo: v.string(),
  /** PNG of the mask, a few hundred pixels wide, in the VOC palette: path relative to the run's folder. */
  mask: v.string(),
  /** JPEG of the photo of the same size: path relative to the run's folder. */
  picture: v.string(),
});
export type TrainingSample = v.InferOutput<typeof sampleSchema>;

/** A line of metrics.jsonl. */
export const trainingLineSchema = v.variant('type', [v.object({ type: v.literal('metrics'), ...metricsSchema.entries }), v.object({ type: v.literal('sample'), ...sampleSchema.entries })]);
export type TrainingLine = v.InferOutput<typeof trainingLineSchema>;
