/**
 * Folder names as tags, when nothing else is there: `train/cat/1.jpg` shows a cat. The nearest folder counts that is not
 * one of the names every data set uses for its parts.
 */
import { inTruthFolder, isPart } from '../layout';
import { folderOf } from '../paths';
import { TagList } from './tagList';

/** `backgroundNames` (in any case) are folders of photos with nothing in them. Photos with no telling folder stay untagged. */
export function readFolderNames(photos: readonly string[], root: string, backgroundNames: readonly string[]): TagList {
  const list = new TagList('folder names', root);
  const empty = new Set(backgroundNames.map(name => name.toLowerCase()));
  for (const photo of photos) {
    if (inTruthFolder(photo)) continue;
    const name = folderOf(photo).split('/').findLast(part => part !== '' && !isPart(part));
    if (name !== undefined) list.add(photo, empty.has(name.toLowerCase()) ? [] : [name]);
  }
  return list;
}
