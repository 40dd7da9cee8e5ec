/**
 * The wire between the extension and the review page. The page asks (`ask`, one id, one `answer` or `error`); the extension tells (`tell`): whole snapshots,
 * and to a page that has one, the photos that are others now. A hidden page misses messages and asks for everything again when it is `ready`. Photos are indices into the queue: no path crosses. Both ends validate.
 * Byte arrays cross as Uint8Array of exactly their own buffer.
 */
import * as v from 'valibot';
import { CHOICES, classEvidenceSchema } from './evidence';
import { labelPatchSchema } from './labelPatch';
import { bytesSchema as bytes } from './labelRuns';
import { hintsSchema, MARKS, photoViewSchema, queueItemSchema } from './review';
import { REVIEW_COMMANDS } from './reviewCommands';

export { REVIEW_COMMANDS, type ReviewCommand } from './reviewCommands';

const index = v.pipe(v.number(), v.integer(), v.minValue(0));
const nothing = v.object({});

/** Everything the page needs to be what it was. */
export const sessionSchema = v.object({
  /** For people: the data set's folder. */
  name: v.string(),
  classes: v.array(v.object({ id: index, name: v.string() })),
  items: v.array(queueItemSchema),
  /** The photo to show. */
  current: index,
  /** Photos with unsaved edits. */
  dirty: v.array(index),
  /** Looking only: an untrusted workspace. */
  readOnly: v.boolean(),
  /** A photo whose mask on disk changed while it has unsaved edits. */
  conflicts: v.array(index),
  /** A run that lives in this window, in words, else null. */
  run: v.nullable(v.string()),
  /** Keys of the page's commands as VS Code has them by default, for tooltips and the help: command -> keys. */
  keys: v.record(v.string(), v.string()),
  notes: v.array(v.string()),
});
export type Session = v.InferOutput<typeof sessionSchema>;

export const asks = {
  ready: { params: nothing, result: sessionSchema },
  /** A photo with all its layers and its unsaved edits applied to `mask.runs`; `url` is where the page can load the photo from. */
  photo: { params: v.object({ index }), result: v.object({ view: photoViewSchema, url: v.nullable(v.string()), dirty: v.boolean() }) },
  /** The page shows this photo now (to be remembered; never undone). */
  show: { params: v.object({ index }), result: nothing },
  /** One undoable edit, already made on the page. `label` is what the menu *Undo …* says. `choices`: removed regions restored by this edit. */
  edit: {
    params: v.object({ index, label: v.string(), patch: labelPatchSchema, choices: v.array(v.object({ evidence: v.string(), choice: v.nullable(v.picklist(CHOICES)) })) }),
    result: nothing,
  },
  mark: { params: v.object({ photos: v.array(index), mark: v.picklist(MARKS) }), result: nothing },
  thumbnails: {
    params: v.object({ longSide: index, wanted: v.array(v.object({ index, cluster: v.optional(v.object({ classId: index, cluster: index })) })) }),
    result: v.object({ thumbnails: v.array(v.nullable(bytes)) }),
  },
  classes: { params: nothing, result: v.object({ classes: v.array(classEvidenceSchema) }) },
  /** A word on regions without painting: accept (they stay removed), or null to take the word back. */
  choose: { params: v.object({ index, evidence: v.array(v.string()), choice: v.nullable(v.picklist(CHOICES)) }), result: nothing },
  /** Accept or restore everything that was removed of a class. */
  chooseClass: { params: v.object({ classId: index, choice: v.picklist(CHOICES) }), result: nothing },
  /** Make this photo's mask anew with other tags (class names) or hints; unsaved edits of it are asked about first. */
  rerun: { params: v.object({ index, tags: v.optional(v.array(v.string())), hints: v.optional(hintsSchema) }), result: nothing },
  resolve: { params: v.object({ index, how: v.picklist(['mine', 'reload', 'compare']) }), result: nothing },
  save: { params: nothing, result: nothing },
  /** One of VS Code's own commands: undo, redo, revealing files, settings. */
  command: { params: v.object({ name: v.picklist(['undo', 'redo', 'revealPhoto', 'revealMask', 'openSettings', 'openKeybindings', 'pickTruth']) }), result: nothing },
} as const;
export type Ask = keyof typeof asks;
export type AskParams<A extends Ask> = v.InferOutput<(typeof asks)[A]['params']>;
export type AskResult<A extends Ask> = v.InferOutput<(typeof asks)[A]['result']>;

export const tells = {
  /** The queue has other photos, or something of the whole review changed. */
  session: sessionSchema,
  /** Some photos' states changed, or which photos are dirty or in conflict: a queue of 100,000 does not cross at every word on one of them. */
  items: v.object({ items: v.array(v.object({ index, item: queueItemSchema })), dirty: v.array(index), conflicts: v.array(index) }),
  /** A photo's mask is another one than the page has (undo, redo, revert, a run, another window): load it again; `show`: and show it. */
  changed: v.object({ index, show: v.boolean() }),
  /** VS Code took back or repeated an edit. */
  patch: v.object({ index, patch: labelPatchSchema, direction: v.picklist(['undo', 'redo']) }),
  command: v.object({ name: v.picklist(REVIEW_COMMANDS) }),
  /** Progress of a re-run of one photo; null when it has ended. */
  working: v.object({ index, text: v.nullable(v.string()) }),
} as const;
export type Tell = keyof typeof tells;
export type TellParams<T extends Tell> = v.InferOutput<(typeof tells)[T]>;

/** Page -> extension. */
export const toHostSchema = v.object({ type: v.literal('ask'), id: index, ask: v.picklist(Object.keys(asks) as Ask[]), params: v.unknown() });
export type ToHost = v.InferOutput<typeof toHostSchema>;

/** Extension -> page. */
export const toPageSchema = v.variant('type', [
  v.object({ type: v.literal('answer'), id: index, result: v.unknown() }),
  v.object({ type: v.literal('error'), id: index, reason: v.string(), message: v.string() }),
  v.object({ type: v.literal('tell'), tell: v.picklist(Object.keys(tells) as Tell[]), params: v.unknown() }),
]);
export type ToPage = v.InferOutput<typeof toPageSchema>;
