/**
 * The numbers of the pipeline, one readable JSON file a preset (`presets/*.json`), saved with every run. What a person chooses from run to
 * run (device, saliency, names) is in `src/shared/settings.ts` instead. `docs/quality.md` says what each number gave.
 */
import * as v from 'valibot';
import { SeedMaskError } from '../src/shared/errors';
import { count, notNegative, positive, role, share, size } from './presetNumbers';
import full from './presets/full.json';
import quick from './presets/quick.json';
import standard from './presets/standard.json';
import { crfSchema, trainingSchema } from './trainingPreset';

/** How refined scores walk to all pixels that are alike (`src/pipeline/propagation.ts`). */
const propagationSchema = v.strictObject({
  /** 'edges': affinities made by hand, of colours and features; 'affinityNet', 'irnet': trained ones, where the training's `affinity` has that kind. */
  kind: v.picklist(['none', 'edges', 'affinityNet', 'irnet']),
  /** Whether a background score walks along (AffinityNet), or is constant (IRNet). */
  background: v.picklist(['walks', 'constant']),
  /** Exponent of the affinities. Published: 8 (AffinityNet), 10 (IRNet). */
  beta: positive,
  /** Published: 256. */
  steps: size,
  /** Pairs are closer than this, in cells of the walk's grid. Published: 5. */
  radius: v.pipe(size, v.minValue(2)),
  /** Of 'edges': cells along the longer side of the photo, and what `handTransition` takes. */
  cells: v.pipe(size, v.minValue(2)),
  colour: positive,
  features: positive,
});
export type Propagation = v.InferOutput<typeof propagationSchema>;

const NO_WALK: Propagation = { kind: 'none', background: 'walks', beta: 1, steps: 32, radius: 5, cells: 48, colour: 5, features: 0.05 };

const presetSchema = v.pipe(v.strictObject({
  name: v.string(),
  /** How often, how large and whether also mirrored a photo goes through the backbone. The first view's grid is the maps' grid. */
  views: v.pipe(v.array(v.strictObject({ longSide: size, flip: v.boolean() })), v.minLength(1)),
  learning: v.strictObject({
    /** One linear head per layer; layers the backbone does not have are left out. */
    heads: v.pipe(v.array(v.strictObject({ role, decay: positive })), v.minLength(1)),
    /** Parts of the photos that are held out in turn to learn how sure the heads are of photos they did not see. */
    folds: v.pipe(size, v.minValue(2)),
    /** A class with fewer photos than this is not learnt: it needs a warm start. */
    minPhotos: size,
    /** Start classes that ImageNet knows from its classifier. */
    warmStart: v.boolean(),
  }),
  /** A tag's map is weighted by (sureness / sureness of the photo's surest tag) to this power. */
  tagWeight: notNegative,
  /** Background score of masks made from the CAM alone (to look at and to measure; masks do not use it). */
  cam: v.strictObject({ threshold: share }),
  scg: v.strictObject({
    firstThreshold: share,
    secondThreshold: share,
    secondWeight: positive,
    iterations: size,
    foreground: share,
    background: share,
    /** Of SCG in its mean with the CAM; 0: the CAM alone. */
    share: v.optional(share, 0.5),
  }),
  /** PAMR runs on the photo at this size; dilations are in pixels of it. */
  pamr: v.strictObject({ longSide: size, dilations: v.array(size), /** 0: none. */ iterations: count }),
  propagation: v.optional(propagationSchema, NO_WALK),
  /** Seeds: certain class, certain background, undecided between. */
  certainFilter: v.strictObject({ foreground: share, background: share }),
  /** Background score of the mask, and how it is filled. */
  mask: v.strictObject({ threshold: share, fill: v.picklist(['threshold', 'edgePredict']) }),
  /** See `src/pipeline/saliencyCue.ts`; `threshold` takes the place of `mask.threshold`. */
  saliency: v.strictObject({ threshold: share, exponent: positive, floor: share, peak: share, blind: share, closer: positive }),
  /** Debiasing: see `src/pipeline/mars/marsTypes.ts` for each number, `src/pipeline/featureSpace.ts` for `space`. */
  mars: v.strictObject({
    space: v.strictObject({
      /** Layers that the backbone has not are left out. */
      layers: v.pipe(v.array(v.strictObject({ role, dimensions: size, weight: positive })), v.minLength(1)),
      root: v.boolean(),
      whiten: v.boolean(),
      /** Photos and cells of all of them together that it is fitted on. */
      photos: size,
      cells: size,
    }),
    kForeground: size,
    kBackground: size,
    alpha: v.pipe(share, v.gtValue(0)),
    metric: v.picklist(['paper-mean', 'knn-untagged']),
    neighbours: size,
    mostBackgroundPhotos: size,
    rule: v.picklist(['absolute', 'percentile', 'two-prototypes', 'margin']),
    threshold: share,
    percentile: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
    temperature: positive,
    margin: v.strictObject({
      neighbours: size,
      likeness: notNegative,
      confirmed: v.nullable(share),
      cut: v.nullable(v.number()),
      loss: share,
      lossPerShare: notNegative,
      gate: share,
      reach: share,
    }),
    crf: v.nullable(crfSchema),
    crfSize: size,
    /** Of a photo of 500 x 375; scaled with the photo's area. */
    minRegion: count,
    onlyBiased: v.boolean(),
    minPhotos: size,
    gapLimit: notNegative,
    separationLimit: notNegative,
  }),
  crf: v.strictObject({
    /** The CRF gives up the fringes of objects: it starts from a background score this much lower. */
    backgroundScale: positive,
    ...crfSchema.entries,
  }),
  /** What is trained before masks are made; null: nothing, the frozen backbone and heads do. */
  training: v.nullable(trainingSchema),
}), v.check(({ propagation: { kind }, training }) => kind === 'none' || kind === 'edges' || training?.affinity?.kind === kind, "the propagation's kind needs a training.affinity of that kind"));
export type Preset = v.InferOutput<typeof presetSchema>;

export const QUICK: Preset = v.parse(presetSchema, quick);
/** A light decoder on frozen features. */
export const STANDARD: Preset = v.parse(presetSchema, standard);
/** The backbone learns, too. */
export const FULL: Preset = v.parse(presetSchema, full);

/** Faults of a preset file that are named. */
const MOST_FAULTS = 5;

/** What is wrong at one place, for people: keys of a strict object that are not known, or not there, are told in valibot's terms otherwise. */
function faultText(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== 'schema' || issue.type !== 'strict_object' || issue.path === undefined) return issue.message;
  return issue.expected === 'never' ? 'there is no such number in a preset' : issue.received === 'undefined' ? 'is missing' : issue.message;
}

/** A preset from JSON text. @param file for errors. @throws SeedMaskError 'bad-settings' that names what is wrong, and where */
export function parsePreset(text: string, file: string): Preset {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SeedMaskError('bad-settings', `is no JSON: ${error instanceof Error ? error.message : String(error)}`, file, { cause: error });
  }
  const parsed = v.safeParse(presetSchema, json);
  if (parsed.success) return parsed.output;
  const faults = parsed.issues.map(issue => `${v.getDotPath(issue) ?? 'preset'}: ${faultText(issue)}`);
  const more = faults.length > MOST_FAULTS ? `; and ${faults.length - MOST_FAULTS} more` : '';
  throw new SeedMaskError('bad-settings', `is no preset: ${faults.slice(0, MOST_FAULTS).join('; ')}${more}`, file);
}
