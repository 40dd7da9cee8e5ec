/**
 * The stronger labels a person gave photos in the review (boxes, points, scribbles): `.seedmask/hints.jsonl`, a line per act. The next mask of the photo is made
 * with them (`pipeline/hints.ts`), and they are part of its key in the manifest.
 */
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { hintsSchema, type Hints } from '../shared/review';
import { dataPath } from './folder';
import { appendJournal, readJournal, rewriteJournal } from './journal';
import { inTurn } from './turn';

const lineSchema = v.object({ photo: v.string(), hints: hintsSchema });
/** Lines beyond the photos named; more than this many, and the file is put in order. */
const SLACK = 200;
const MOST_HINTS = 10_000;
const MOST_POINTS = 200_000;

export const NO_HINTS: Hints = { boxes: [], points: [], scribbles: [] };

const fileOf = (root: string): string => dataPath(root, 'hints.jsonl');

/** Photo -> its hints; photos without any are not here. @throws SeedMaskError 'io'. */
export async function readHints(root: string): Promise<Map<string, Hints>> {
  return lastWords(await readJournal(fileOf(root), lineSchema));
}

/** Replaces the hints of a photo (an id from the scan). @throws SeedMaskError 'too-large', and as appendJournal does. */
export async function setHints(root: string, photo: string, hints: Hints): Promise<void> {
  const points = hints.scribbles.reduce((sum, scribble) => sum + scribble.points.length, 0);
  if (hints.boxes.length + hints.points.length + hints.scribbles.length > MOST_HINTS || points > MOST_POINTS) {
    throw new SeedMaskError('too-large', `more than ${MOST_HINTS} hints or ${MOST_POINTS} points of scribbles`, photo);
  }
  await inTurn(root, async () => {
    const file = fileOf(root);
    const lines = await readJournal(file, lineSchema);
    const words = lastWords([...lines, { photo, hints }]);
    if (lines.length > words.size + SLACK) await rewriteJournal(file, [...words].map(([name, given]) => ({ photo: name, hints: given })));
    else await appendJournal(file, [{ photo, hints }]);
  });
}

export function hasHints({ boxes, points, scribbles }: Hints): boolean {
  return boxes.length + points.length + scribbles.length > 0;
}

function lastWords(lines: readonly v.InferOutput<typeof lineSchema>[]): Map<string, Hints> {
  const words = new Map<string, Hints>();
  for (const { photo, hints } of lines) {
    if (hasHints(hints)) words.set(photo, hints);
    else words.delete(photo);
  }
  return words;
}
