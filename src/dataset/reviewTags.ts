/**
 * Tags that a person gave photos in the review: `.seedmask/tags.jsonl`, a line per act. They win over every source but a file that the person named; null gives a
 * photo back to the sources (`tags/readTags.ts`).
 */
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { MAX_CLASSES } from './classTable';
import { cleanClassName, isBackground } from './className';
import { dataPath } from './folder';
import { appendJournal, readJournal, rewriteJournal } from './journal';
import { TagList } from './tags/tagList';
import { inTurn } from './turn';

const lineSchema = v.object({ photo: v.string(), tags: v.nullable(v.array(v.string())) });
/** Lines beyond the photos named; more than this many, and the file is put in order. */
const SLACK = 1000;

const fileOf = (root: string): string => dataPath(root, 'tags.jsonl');

/** Photo -> the tags a person gave it. @throws SeedMaskError 'io'. */
export async function readReviewTags(root: string): Promise<Map<string, string[]>> {
  return lastWords(await readJournal(fileOf(root), lineSchema));
}

/** The same as a source of tags, for people; nothing if no photo has any. @throws SeedMaskError 'io'. */
export async function reviewTagList(root: string): Promise<TagList | undefined> {
  const tags = await readReviewTags(root);
  if (tags.size === 0) return undefined;
  const list = new TagList(`your review (${tags.size} photo${tags.size === 1 ? '' : 's'})`, root);
  for (const [photo, names] of tags) list.add(photo, names);
  return list;
}

/**
 * Keeps the tags of a photo (an id from the scan); [] says "nothing in it", null takes them back.
 * @returns the names as they are kept. @throws SeedMaskError 'bad-tags' (a name that no class can have, too many), and as appendJournal does.
 */
export async function setReviewTags(root: string, photo: string, tags: readonly string[] | null): Promise<string[] | null> {
  const kept = tags && cleanTags(tags, photo);
  await inTurn(root, async () => {
    const file = fileOf(root);
    const lines = await readJournal(file, lineSchema);
    const words = lastWords([...lines, { photo, tags: kept }]);
    if (lines.length > words.size + SLACK) await rewriteJournal(file, [...words].map(([name, names]) => ({ photo: name, tags: names })));
    else await appendJournal(file, [{ photo, tags: kept }]);
  });
  return kept;
}

function lastWords(lines: readonly v.InferOutput<typeof lineSchema>[]): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const { photo, tags } of lines) {
    if (tags) words.set(photo, tags);
    else words.delete(photo);
  }
  return words;
}

function cleanTags(tags: readonly string[], photo: string): string[] {
  const kept = new Set<string>();
  for (const tag of tags) {
    const clean = cleanClassName(tag);
    if ('refused' in clean) throw new SeedMaskError('bad-tags', clean.refused, photo);
    if (!isBackground(clean.name)) kept.add(clean.name);
  }
  if (kept.size > MAX_CLASSES) throw new SeedMaskError('too-many-classes', `${kept.size} tags; a mask holds at most ${MAX_CLASSES} classes`, photo);
  return [...kept];
}
