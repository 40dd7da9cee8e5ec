/**
 * The sources of tags that lie in a data set, in order of precedence: tags.json; tags.csv and .tsv; VOC XML; COCO; a text
 * file per photo. A source that cannot be read is noted and passed over; it still counts as one that is there.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeError, SeedMaskError } from '../../shared/errors';
import { byCodeUnits, folderOf, staysInside, stemOf } from '../paths';
import { MEGABYTE, parseJson, readText } from '../textFile';
import { readCocoJson } from './cocoJson';
import { readTagsCsv } from './tagsCsv';
import { readTagsJson } from './tagsJson';
import { TagList } from './tagList';
import { readTagsTxt } from './tagsTxt';
import { readVocXml } from './vocXml';

const LIST_LIMIT = 64 * MEGABYTE;
const COCO_LIMIT = 256 * MEGABYTE;
const PHOTO_LIMIT = 4 * MEGABYTE;
const AT_ONCE = 16;

export interface Sources {
  lists: TagList[];
  /** Sources that were refused or damaged, one line each. */
  notes: string[];
}

/** The file that a person named. @throws SeedMaskError 'bad-tags', 'removed', 'io': it is not passed over. */
export async function readNamedFile(file: string): Promise<TagList> {
  const name = basename(file);
  const folder = dirname(file);
  if (/\.json$/i.test(name)) {
    const json = parseJson(await readText(file, COCO_LIMIT, name), name);
    return readCocoJson(json, name, folder) ?? readTagsJson(json, name, folder);
  }
  if (/\.(csv|tsv|txt)$/i.test(name)) return readTagsCsv(await readText(file, LIST_LIMIT, name), name, folder);
  throw new SeedMaskError('bad-tags', 'a tags file is .json (tags or COCO), .csv or .tsv', name);
}

/** Sources that are one file for all photos and lie in `folder` itself: tags.json, tags.csv, tags.tsv. People see `prefix` before their names. */
export async function readListFiles(folder: string, prefix = ''): Promise<Sources> {
  const found: Sources = { lists: [], notes: [] };
  const present = await listing(folder);
  for (const file of ['tags.json', 'tags.csv', 'tags.tsv'].filter(candidate => present.has(candidate))) {
    const name = prefix + file;
    await attempt(found, name, async () => {
      await refuseLinkOut(folder, join(folder, file), name);
      const text = await readText(join(folder, file), LIST_LIMIT, name);
      found.lists.push(file.endsWith('.json') ? readTagsJson(parseJson(text, name), name, folder) : readTagsCsv(text, name, folder));
    });
  }
  return found;
}

/** Everything below `root`, in order. */
export async function findSources(root: string, photos: readonly string[]): Promise<Sources> {
  const found = await readListFiles(root);
  const folders = new Map<string, ReadonlySet<string>>();
  for (const folder of new Set(['', 'Annotations', 'annotations', ...photos.map(folderOf)])) {
    folders.set(folder, await listing(join(root, folder)));
    const sibling = folder === '' ? 'Annotations' : `${folderOf(folder)}/Annotations`.replace(/^\//, '');
    if (!folders.has(sibling)) folders.set(sibling, await listing(join(root, sibling)));
  }
  await readBeside(found, root, photos, folders, 'VOC XML', '.xml', readVocXml);
  await readCocoFiles(found, root, folders);
  await readBeside(found, root, photos, folders, 'text files', '.txt', readTagsTxt);
  return found;
}

/** A file per photo, with its stem: beside it, or for XML in an Annotations folder beside its folder or at the root. */
async function readBeside(found: Sources, root: string, photos: readonly string[], folders: ReadonlyMap<string, ReadonlySet<string>>,
  source: string, extension: string, read: (text: string, name: string) => string[]): Promise<void> {
  const list = new TagList(source, root);
  const companions = photos.flatMap(photo => {
    const name = stemOf(photo) + extension;
    const folder = folderOf(photo);
    const places = extension === '.xml' ? [folder, `${folderOf(folder)}/Annotations`.replace(/^\//, ''), 'Annotations'] : [folder];
    const place = places.find(candidate => folders.get(candidate)?.has(name));
    return place === undefined ? [] : [{ photo, file: place ? `${place}/${name}` : name }];
  });
  if (companions.length === 0) return;
  for (let start = 0; start < companions.length; start += AT_ONCE) {
    const texts = await Promise.all(companions.slice(start, start + AT_ONCE).map(async ({ photo, file }) => {
      try {
        await refuseLinkOut(root, join(root, file), file);
        return { photo, names: read(await readText(join(root, file), PHOTO_LIMIT, file), file) };
      } catch (error) {
        if (!(error instanceof SeedMaskError)) throw error;
        list.note(`${describeError(error)}; refused`);
        return undefined;
      }
    }));
    for (const text of texts) if (text) list.add(text.photo, text.names);
  }
  found.lists.push(list);
}

/** JSON files at the root, in an annotations folder, or named *.coco.json beside photos, if they are COCO instances. */
async function readCocoFiles(found: Sources, root: string, folders: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
  for (const [folder, names] of folders) {
    const anyJson = folder === '' || /^annotations$/i.test(folder);
    const candidates = [...names].filter(name => (anyJson ? /\.json$/i : /\.coco\.json$/i).test(name) && !/^(tags|classes)\.json$/i.test(name));
    for (const name of candidates.sort(byCodeUnits)) {
      const file = folder ? `${folder}/${name}` : name;
      await attempt(found, file, async () => {
        await refuseLinkOut(root, join(root, file), file);
        const text = await readText(join(root, file), COCO_LIMIT, file);
        if (!text.includes('"annotations"') || !text.includes('"categories"')) return;
        const list = readCocoJson(parseJson(text, file), file, join(root, folder));
        if (list) found.lists.push(list);
      });
    }
  }
}

async function attempt(found: Sources, name: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SeedMaskError)) throw error;
    found.notes.push(`${describeError(error.file ? error : new SeedMaskError(error.reason, error.message, name))}; refused`);
  }
}

async function refuseLinkOut(root: string, file: string, name: string): Promise<void> {
  if (!(await staysInside(root, file))) throw new SeedMaskError('refused-path', 'a link leads out of the folder', name);
}

/** Names of the files of a folder; none if it is not there. */
async function listing(folder: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return new Set(entries.filter(entry => !entry.isDirectory()).map(entry => entry.name));
}
