/**
 * The wire between a front end (extension, shell) and the engine process. One request has one id and ends in exactly one
 * reply or error; in between it may send events. Paths cross this wire; of pixels only what a page of the review shows: runs of labels,
 * small layers, small pictures. Both ends validate what arrives.
 */
import * as v from 'valibot';
import { CHOICES, classEvidenceSchema, evidenceSchema } from './evidence';
import { reviewRequests, reviewResults } from './review';
import { DEVICES, PRESETS, runSettingsSchema } from './settings';
import { metricsSchema, sampleSchema } from './training';

const path = v.pipe(v.string(), v.minLength(1), v.maxLength(32768));
const count = v.pipe(v.number(), v.minValue(0));

/** A data set: its root folder and, when only some photos are meant, their paths relative to it (posix separators). */
const target = { root: path, photos: v.optional(v.array(path)), settings: runSettingsSchema };

export const requestSchemas = {
  /** What would a run do: photos, classes, conflicts. Changes nothing on disk. */
  plan: v.object(target),
  /** The main job. */
  generate: v.object({
    ...target,
    /** continue the newest unfinished run with its own settings */
    resume: v.optional(v.boolean()),
    /** the process that worked on that run fell by itself; said by the supervisor */
    crashed: v.optional(v.boolean()),
  }),
  /** MARS on masks that are there. Without `masks`: those of SeedMask, in place. */
  debias: v.object({
    ...target,
    /** Masks from anywhere: a folder, or a pattern with `{stem}` or `{name}`; relative to the photo's folder or absolute. Never written to. */
    masks: v.optional(path),
    /** Name of a debiased mask beside its photo. */
    debiasedName: v.string(),
  }),
  /** Trains the networks of the settings' preset on the tagged photos of a folder; *generate* with the same preset then uses what was learnt. Writes no masks. */
  train: v.object({
    root: path,
    settings: runSettingsSchema,
    /** go on from the last checkpoint of the newest training that was not finished, with its own settings */
    resume: v.optional(v.boolean()),
    crashed: v.optional(v.boolean()),
  }),
  /** A person's word on removed regions (ids of evidence) and on classes (names); null takes it back. Masks of SeedMask follow at once. */
  debiasChoices: v.object({
    ...target,
    regions: v.array(v.string()),
    classes: v.array(v.string()),
    choice: v.nullable(v.picklist(CHOICES)),
  }),
  /** What was removed of a photo's mask, and why. */
  explain: v.object({ root: path, settings: runSettingsSchema, photo: path }),
  /** Score the masks beside the photos (or a folder of predictions) against true masks. */
  evaluate: v.object({
    ...target,
    truth: path,
    predictions: v.optional(path),
    stages: v.optional(v.boolean()),
    /** True masks that know the surroundings too, and how much of a class's mask lies on its usual one. */
    leak: v.optional(v.object({ truth: path, classes: path, pairs: v.optional(v.array(v.object({ object: v.string(), context: v.string() }))) })),
  }),
  /** Which device would run, and why not a better one. */
  device: v.object({ device: v.picklist(DEVICES), cudaProviderDir: v.optional(path), backbone: v.optional(path) }),
  /** Runs of a data set, newest first, with their failed photos. */
  runs: v.object({ root: path }),
  clearCache: v.object({ root: path }),
  diagnose: v.object({ root: v.optional(path), photoNames: v.boolean(), settings: runSettingsSchema }),
  ...reviewRequests,
} as const;

export type Method = keyof typeof requestSchemas;
export type Params<M extends Method> = v.InferOutput<(typeof requestSchemas)[M]>;

export const planSchema = v.object({
  root: path,
  /** With tags: the ones that are to have a mask. */
  photos: count,
  /** Which source gave the tags: 'tags.json', 'folder names', … */
  tagSource: v.string(),
  classes: v.array(v.object({ id: count, name: v.string(), photos: count, /** why the photos cannot teach it, if so */ problem: v.optional(v.string()) })),
  /** Photos without tags: skipped. */
  untagged: v.array(v.string()),
  /** Photos whose tags say: nothing in it. */
  empty: count,
  /** Masks that a person changed: they are kept. */
  edited: count,
  /** Whether the preset trains networks, which then make the masks. */
  trains: v.boolean(),
  /** Masks as we wrote them; whether photo, tags or models have changed since is for the run to find. */
  done: count,
  /** Sources that disagree, files refused, tags of files that are not there: one line each. */
  notes: v.array(v.string()),
});
export type Plan = v.InferOutput<typeof planSchema>;

export const failureSchema = v.object({ photo: v.string(), reason: v.string(), message: v.string() });
export type Failure = v.InferOutput<typeof failureSchema>;

/** What the debiasing stage of a run did. */
export const debiasSummarySchema = v.object({
  /** Photos whose masks were looked at. */
  photos: count,
  /** Masks that something is removed of. */
  changed: count,
  /** Masks whose file was rewritten by this run. */
  rewritten: count,
  /** Removed regions; those whose evidence is fragile; those that a person took back. */
  regions: count,
  fragile: count,
  restored: count,
  /** Share of the classes' pixels that is removed, 0..1. */
  removed: v.number(),
  classes: v.array(v.object({ id: count, name: v.string(), removed: v.number(), regions: count, /** why it was left alone, if so */ leftAlone: v.nullable(v.string()) })),
  seconds: count,
});
export type DebiasSummary = v.InferOutput<typeof debiasSummarySchema>;

export const runSummarySchema = v.object({
  id: v.string(),
  /** Absent: masks were generated. */
  job: v.optional(v.picklist(['debias', 'train'])),
  /** Absent in records of older runs. */
  preset: v.optional(v.picklist(PRESETS)),
  root: path,
  started: v.string(),
  seconds: count,
  state: v.picklist(['running', 'done', 'cancelled', 'interrupted', 'failed']),
  device: v.string(),
  photos: count,
  written: count,
  /** Kept because a person edited (or made) the mask. */
  kept: count,
  /** Up to date already. */
  skipped: count,
  untagged: count,
  failed: v.array(failureSchema),
  /** Where MARS ran. */
  debias: v.optional(debiasSummarySchema),
  /** Why the run as a whole ended early, if it did. */
  error: v.optional(v.string()),
  notes: v.array(v.string()),
});
export type RunSummary = v.InferOutput<typeof runSummarySchema>;

export const scoresSchema = v.object({
  stage: v.string(),
  photos: count,
  /** In percent. */
  miou: v.number(),
  /** Means over the foreground classes, 0..1. */
  fp: v.number(),
  fn: v.number(),
  classes: v.array(v.object({ id: count, name: v.string(), iou: v.nullable(v.number()), fp: v.nullable(v.number()), fn: v.nullable(v.number()) })),
});
export type Scores = v.InferOutput<typeof scoresSchema>;

/** How much of a class's mask lies on the stuff that usually comes along with it. */
export const leakSchema = v.object({
  object: v.string(),
  context: v.string(),
  /** Photos that have the class in truth or mask. */
  photos: count,
  /** Share of the class's mask that is context in truth, 0..1, before MARS (as `after` where it did not run) and after; null: the mask has no such pixel. */
  before: v.nullable(v.number()),
  after: v.nullable(v.number()),
  /** Share of the true object's pixels that the mask had before MARS and has not after. */
  lost: v.nullable(v.number()),
});
export type Leak = v.InferOutput<typeof leakSchema>;

export const explanationSchema = v.object({
  photo: v.string(),
  /** Of its mask. */
  size: v.object({ width: count, height: count }),
  /** Of the photo's classes. */
  classes: v.array(classEvidenceSchema),
  evidence: v.array(v.object({ ...evidenceSchema.entries, choice: v.nullable(v.picklist(CHOICES)) })),
  names: v.array(v.object({ id: count, name: v.string() })),
});
export type Explanation = v.InferOutput<typeof explanationSchema>;

export const deviceReportSchema = v.object({
  asked: v.picklist(DEVICES),
  /** What runs: 'cpu', 'webgpu', 'cuda', … */
  used: v.string(),
  /** For people: 'CPU, 2 threads', 'WebGPU'. */
  label: v.string(),
  /** Each provider tried, with the real cause where it could not be used. */
  tried: v.array(v.object({ device: v.string(), ok: v.boolean(), detail: v.string() })),
});
export type DeviceReport = v.InferOutput<typeof deviceReportSchema>;

export const resultSchemas = {
  plan: planSchema,
  generate: runSummarySchema,
  debias: runSummarySchema,
  train: runSummarySchema,
  debiasChoices: v.object({ /** Masks rewritten. */ written: count, /** Removed regions that the choice is about. */ regions: count, notes: v.array(v.string()) }),
  explain: explanationSchema,
  evaluate: v.object({
    scores: v.array(scoresSchema),
    leaks: v.optional(v.array(leakSchema)),
    /** With `leak`: share of all true objects' pixels that masks had before MARS and have not after. */
    lost: v.optional(v.nullable(v.number())),
    /** Clusters that made prototypes, and how many of them are the class in truth (IoU over 0.3). */
    selected: v.optional(v.object({ clusters: count, right: count })),
    /** Photos whose masks or true masks could not be read or do not fit; the notes say why. */
    unscored: count,
    notes: v.array(v.string()),
  }),
  device: deviceReportSchema,
  runs: v.object({ runs: v.array(runSummarySchema) }),
  clearCache: v.object({ bytes: count }),
  diagnose: v.object({ report: v.string() }),
  ...reviewResults,
} as const;
export type Result<M extends Method> = v.InferOutput<(typeof resultSchemas)[M]>;

export const STAGES = ['scan', 'device', 'features', 'learn', 'seeds', 'train', 'masks', 'debias', 'evaluate'] as const;

export const eventSchema = v.variant('type', [
  v.object({
    type: v.literal('progress'),
    stage: v.picklist(STAGES),
    done: count,
    total: count,
    /** Steps per second in stage 'train'. */
    photosPerSecond: v.nullable(v.number()),
    secondsLeft: v.nullable(v.number()),
    device: v.string(),
  }),
  v.object({ type: v.literal('photo'), photo: v.string(), state: v.picklist(['written', 'kept', 'skipped', 'failed']), message: v.optional(v.string()) }),
  v.object({ type: v.literal('metrics'), run: v.string(), metrics: metricsSchema }),
  v.object({ type: v.literal('sample'), run: v.string(), sample: sampleSchema }),
  v.object({ type: v.literal('log'), level: v.picklist(['info', 'warn', 'error']), message: v.string() }),
]);
export type EngineEvent = v.InferOutput<typeof eventSchema>;

/** Front end -> engine. */
export const toEngineSchema = v.variant('type', [
  v.object({ type: v.literal('request'), id: count, method: v.picklist(Object.keys(requestSchemas) as Method[]), params: v.unknown() }),
  v.object({ type: v.literal('cancel'), id: count }),
]);
export type ToEngine = v.InferOutput<typeof toEngineSchema>;

/** Engine -> front end. */
export const fromEngineSchema = v.variant('type', [
  v.object({ type: v.literal('ready'), version: v.string() }),
  v.object({ type: v.literal('event'), id: count, event: eventSchema }),
  v.object({ type: v.literal('reply'), id: count, result: v.unknown() }),
  v.object({ type: v.literal('error'), id: count, reason: v.string(), message: v.string(), file: v.optional(v.string()) }),
]);
export type FromEngine = v.InferOutput<typeof fromEngineSchema>;
