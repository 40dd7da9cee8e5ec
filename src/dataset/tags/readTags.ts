/**
 * The tags of every photo. Sources in order of precedence: a file that the person named; the person's tags of the review; tags.json; tags.csv / .tsv; VOC
 * XML; COCO; a text file per photo; and, if none of these (but for the review) is there, tags.json or tags.csv one folder up; else folder names.
 * The first source that names a photo decides; sources that disagree are listed.
 */
import { dirname } from 'node:path';
import { printable } from '../paths';
import { reviewTagList } from '../reviewTags';
import { readFolderNames } from './folderNames';
import { findSources, readListFiles, readNamedFile, type Sources } from './findSources';
import { PhotoIndex } from './photoIndex';
import type { TagList } from './tagList';

export interface TagOptions {
  /** Absolute path of a file that the person named. */
  tagsFile?: string;
  /** Folder names that mean "nothing in it". */
  backgroundNames: readonly string[];
}

export interface TagReading {
  /** The sources in use, for people: 'tags.json', 'tags.json, VOC XML', 'folder names', or 'none'. */
  source: string;
  /** Photo id -> its tags; [] means "nothing in it, on purpose". Photos that are not here are untagged. */
  tags: Map<string, string[]>;
  /** Conflicts, entries refused, files that are not there: one line each. */
  notes: string[];
}

const MAX_CONFLICTS = 20;
const SHOWN = 5;

/**
 * `photos` are all the photos below `root` (ids from scanPhotos).
 * @throws SeedMaskError 'bad-tags', 'removed' or 'io', only for the file that the person named.
 */
export async function readTags(root: string, photos: readonly string[], options: TagOptions): Promise<TagReading> {
  const named = options.tagsFile === undefined ? [] : [await readNamedFile(options.tagsFile)];
  const review = await reviewTagList(root);
  const own = review ? [review] : [];
  const found = await findSources(root, photos);
  if (named.length > 0 || isThere(found)) return merge(root, photos, [...named, ...own, ...found.lists], found.notes, review);

  const above = await readListFiles(dirname(root), '../');
  if (merge(root, photos, above.lists, []).tags.size > 0) return merge(root, photos, [...own, ...above.lists], above.notes, review);
  return merge(root, photos, [...own, readFolderNames(photos, root, options.backgroundNames)], [], review);
}

function isThere(sources: Sources): boolean {
  return sources.lists.length > 0 || sources.notes.length > 0;
}

/** `corrections`: the list whose difference from later ones is meant, and no conflict. */
function merge(root: string, photos: readonly string[], lists: readonly TagList[], notes: readonly string[], corrections?: TagList): TagReading {
  const index = new PhotoIndex(photos);
  const reading: TagReading = { source: 'none', tags: new Map(), notes: [...notes] };
  const from = new Map<string, TagList>();
  const used: string[] = [];
  const conflicts: string[] = [];
  for (const list of lists) {
    reading.notes.push(...list.notes);
    const { tags, notes: problems } = matchPhotos(list, index, root);
    reading.notes.push(...problems);
    if (tags.size > 0) used.push(list.source);
    for (const [photo, names] of tags) {
      const first = reading.tags.get(photo);
      if (first === undefined) {
        reading.tags.set(photo, names);
        from.set(photo, list);
      } else if (!sameNames(first, names) && from.get(photo) !== corrections) {
        conflicts.push(`${photo}: ${from.get(photo)?.source} says ${say(first)}, ${list.source} says ${say(names)}; the first counts`);
      }
    }
  }
  reading.notes.push(...conflicts.slice(0, MAX_CONFLICTS));
  if (conflicts.length > MAX_CONFLICTS) reading.notes.push(`… and ${conflicts.length - MAX_CONFLICTS} more photos on which the sources disagree`);
  if (used.length > 0) reading.source = used.join(', ');
  return reading;
}

/** The entries of a list by photo; two entries that mean one photo are put together. */
function matchPhotos(list: TagList, index: PhotoIndex, root: string): { tags: Map<string, string[]>; notes: string[] } {
  const tags = new Map<string, string[]>();
  const notes: string[] = [];
  const unknown: string[] = [];
  const unclear: string[] = [];
  const refused: string[] = [];
  for (const [key, names] of list.tags) {
    const found = index.find(key, list.folder, root);
    if ('photo' in found) tags.set(found.photo, [...new Set([...(tags.get(found.photo) ?? []), ...names])]);
    else if ('refused' in found) refused.push(`'${printable(key, 80)}' ${found.refused}`);
    else if ('ambiguous' in found) unclear.push(`${printable(key)} may be ${found.ambiguous.slice(0, 2).join(' or ')}`);
    else unknown.push(printable(key));
  }
  const say = (entries: string[], one: string, several: string): void => {
    if (entries.length > 0) notes.push(`${list.source}: ${entries.length} ${entries.length === 1 ? one : several}: ${entries.slice(0, SHOWN).join(', ')}${entries.length > SHOWN ? ', …' : ''}`);
  };
  say(refused, 'path refused', 'paths refused');
  say(unclear, 'name fits several photos', 'names fit several photos');
  say(unknown, 'entry names no photo here', 'entries name no photo here');
  return { tags, notes };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every(name => b.includes(name));
}

function say(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map(name => printable(name, 40)).join(' + ');
}
