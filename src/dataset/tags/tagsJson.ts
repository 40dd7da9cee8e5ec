/** tags.json: `{"file": ["name", …], …}`. A single name may stand without brackets; null means untagged. */
import { SeedMaskError } from '../../shared/errors';
import { printable } from '../paths';
import { TagList } from './tagList';

/** `json` is the parsed file. @throws SeedMaskError 'bad-tags' unless it is an object. Wrong entries are noted and left out. */
export function readTagsJson(json: unknown, source: string, folder: string): TagList {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new SeedMaskError('bad-tags', 'must be an object: {"photo.jpg": ["name", …], …}', source);
  }
  const list = new TagList(source, folder);
  for (const [file, value] of Object.entries(json)) {
    const names: unknown[] = Array.isArray(value) ? value : [value];
    if (value === null) continue;
    if (names.every(name => typeof name === 'string')) list.add(file, names);
    else list.note(`${printable(file)}: its tags are not a list of names`);
  }
  return list;
}
