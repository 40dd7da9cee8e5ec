/**
 * The wire between the extension and the page that shows a training. The extension tells: everything at first (and whenever the page is `ready` again, since a hidden
 * page is no more), then what is new. The page only asks for commands by name; no path crosses but for the pictures' addresses. Both ends validate.
 */
import * as v from 'valibot';
import { trainingLineSchema } from './training';

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** What the page's buttons do. */
export const TRAINING_COMMANDS = ['cancel', 'resume', 'generate', 'showLog'] as const;
export type TrainingCommand = (typeof TRAINING_COMMANDS)[number];

/** All but the curves. */
export const trainingStatusSchema = v.object({
  /** For people: the data set's folder. */
  name: v.string(),
  /** What a reloaded window needs to show this training again: the data set's root and the run's id, null while it has none. */
  root: v.string(),
  run: v.nullable(v.string()),
  preset: v.nullable(v.string()),
  state: v.picklist(['running', 'done', 'cancelled', 'interrupted', 'failed']),
  /** ISO time; null while it is not known. */
  started: v.nullable(v.string()),
  device: v.string(),
  /** Why it ended early. */
  problem: v.nullable(v.string()),
  notes: v.array(v.string()),
  classes: v.array(v.object({ id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), name: v.string() })),
  /** What can be done now. */
  commands: v.array(v.picklist(TRAINING_COMMANDS)),
});
export type TrainingStatus = v.InferOutput<typeof trainingStatusSchema>;

/** How far it is, in words and as the done share of the whole; null when it does not run. */
export const trainingProgressSchema = v.nullable(v.object({ text: v.string(), share }));
export type TrainingProgress = v.InferOutput<typeof trainingProgressSchema>;

/** Lines of `metrics.jsonl`; of samples, `mask` and `picture` are addresses that the page can load from, empty where there is no such file. */
const lines = v.array(trainingLineSchema);

/** Extension -> page. */
export const toTrainingPageSchema = v.variant('type', [
  v.object({ type: v.literal('view'), status: trainingStatusSchema, progress: trainingProgressSchema, lines }),
  v.object({ type: v.literal('status'), status: trainingStatusSchema }),
  v.object({ type: v.literal('progress'), progress: trainingProgressSchema }),
  v.object({ type: v.literal('lines'), lines }),
]);
export type ToTrainingPage = v.InferOutput<typeof toTrainingPageSchema>;

/** Page -> extension. */
export const fromTrainingPageSchema = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('command'), name: v.picklist(TRAINING_COMMANDS) }),
]);
export type FromTrainingPage = v.InferOutput<typeof fromTrainingPageSchema>;
