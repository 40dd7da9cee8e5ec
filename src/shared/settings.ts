/**
 * What a person may choose for a run. The same names stand in VS Code's settings (`seedmask.*`), on the command line
 * (`--device`) and in `.seedmask/runs/<id>/run.json`. The numbers of the pipeline itself are not here: they belong to a preset
 * (`models/presets/*.json`).
 */
import * as v from 'valibot';

export const DEVICES = ['auto', 'cuda', 'webgpu', 'directml', 'coreml', 'cpu'] as const;
export type DeviceName = (typeof DEVICES)[number];

export const PRESETS = ['quick', 'standard', 'full'] as const;

export const CRF_CHOICES = ['auto', 'on', 'off'] as const;

export const MARS_CHOICES = ['auto', 'on', 'off'] as const;

/** Features that debiasing compares cells by, besides models of one's own: the backbone's, or codes of a STEGO-type head learnt on the folder. */
export const MARS_FEATURES = ['backbone', 'stego'] as const;

/** What takes the place of removed pixels: background (0), or ignore (255). */
export const REMOVED_AS = ['background', 'ignore'] as const;
export type RemovedAs = (typeof REMOVED_AS)[number];

export const runSettingsSchema = v.object({
  preset: v.picklist(PRESETS),
  /** A preset of one's own, a JSON file in the form of `models/presets/*.json`, absolute; it takes the place of the numbers of `preset`. */
  presetFile: v.optional(v.string()),
  /** Weigh the maps by a salient-object model (trained with masks, so results are "tags + saliency"). */
  saliency: v.boolean(),
  device: v.picklist(DEVICES),
  /** Name of the mask beside its photo; `{stem}` and `{name}` are replaced. */
  outputName: v.pipe(v.string(), v.maxLength(200)),
  /** Tags file named by the user, absolute; wins over every other source. */
  tagsFile: v.optional(v.string()),
  /** Folder names that mean "nothing tagged here, on purpose". */
  backgroundNames: v.array(v.string()),
  /** A user's own backbone: path of an ONNX file with its `.json` beside, or an id of the catalog. */
  backbone: v.optional(v.string()),
  /** Folder that holds the CUDA provider's libraries (Linux). */
  cudaProviderDir: v.optional(v.string()),
  /** Dense CRF as the last step; 'auto': where the saliency cue does not draw the outlines already. */
  crf: v.picklist(CRF_CHOICES),
  /** Debiasing (MARS) as the last stage; 'auto': where the data set is large enough for it, see `usesMars`. Records of older runs lack it. */
  mars: v.optional(v.picklist(MARS_CHOICES), 'off'),
  /** One of `MARS_FEATURES`, or the path of a model of unsupervised features: an ONNX file with its `.json` beside. */
  marsFeatures: v.optional(v.string(), 'backbone'),
  removedAs: v.optional(v.picklist(REMOVED_AS), 'background'),
  /** Photos of more pixels than this are refused, in millions. */
  maxMegapixels: v.pipe(v.number(), v.minValue(0.000001), v.maxValue(4000)),
  /** Decode what can be decoded of truncated photos instead of refusing them. */
  salvageDamaged: v.boolean(),
  /** Limit of the feature cache of one data set, in MB; 0 switches the cache off. */
  cacheLimitMb: v.pipe(v.number(), v.minValue(0)),
});

export type RunSettings = v.InferOutput<typeof runSettingsSchema>;

export const DEFAULT_SETTINGS: RunSettings = {
  preset: 'quick',
  saliency: true,
  device: 'auto',
  outputName: '{stem}.mask.png',
  backgroundNames: ['background', 'negative', 'none', 'normal', 'ok', 'good'],
  crf: 'auto',
  mars: 'auto',
  marsFeatures: 'backbone',
  removedAs: 'background',
  maxMegapixels: 200,
  salvageDamaged: false,
  cacheLimitMb: 4096,
};

/** Whether a run with these settings ends in the dense CRF. @param trained masks of a trained network, which has constants of its own for it */
export function usesCrf({ crf, saliency }: Pick<RunSettings, 'crf' | 'saliency'>, trained = false): boolean {
  return crf === 'auto' ? trained || !saliency : crf === 'on';
}

/** Photos of a class that MARS needs to tell an object from what comes along with it. */
const ENOUGH_PHOTOS = 10;

/**
 * Whether a run debiases its masks. 'auto': where some class has ten photos and there is something to compare with: a second class, or photos of backgrounds.
 * @param photosOfClass photos that have each class
 * @param backgrounds photos tagged with nothing
 */
export function usesMars({ mars }: Pick<RunSettings, 'mars'>, photosOfClass: readonly number[], backgrounds: number): boolean {
  return mars === 'auto' ? photosOfClass.some(count => count >= ENOUGH_PHOTOS) && (photosOfClass.length > 1 || backgrounds > 0) : mars === 'on';
}

/** Whether the setting `marsFeatures` means a model of one's own. */
export function isFeatureModel(marsFeatures: string): boolean {
  return !MARS_FEATURES.some(name => name === marsFeatures);
}
