/**
 * Folder names as tags, when nothing else is there: `train/cat/1.jpg` shows a cat. The nearest folder counts that is not
 * one of the names every data set uses for its parts.
 */
import { folderOf } from '../paths';
import { TagList } from './tagList';

const PARTS = new Set(('images image imgs img photos photo pictures pics jpegimages data dataset datasets raw input inputs samples all '
  + 'train training trainval val valid validation test testing dev '
  + 'masks mask labels label annotations annotation gt groundtruth ground_truth segmentation segmentationclass segmentationobject').split(' '));

/** Folders that hold true masks rather than photos, by their usual names. */
const TRUTH = new Set(['masks', 'mask', 'labels', 'annotations', 'gt', 'groundtruth', 'ground_truth', 'segmentationclass', 'segmentationobject']);

/** `photo` lies in a folder that by its name holds masks. */
export function inTruthFolder(photo: string): boolean {
  return folderOf(photo).split('/').some(part => TRUTH.has(part.toLowerCase()));
}

/** `backgroundNames` (in any case) are folders of photos with nothing in them. Photos with no telling folder stay untagged. */
export function readFolderNames(photos: readonly string[], root: string, backgroundNames: readonly string[]): TagList {
  const list = new TagList('folder names', root);
  const empty = new Set(backgroundNames.map(name => name.toLowerCase()));
  for (const photo of photos) {
    if (inTruthFolder(photo)) continue;
    const name = folderOf(photo).split('/').findLast(part => part !== '' && !PARTS.has(part.toLowerCase()));
    if (name !== undefined) list.add(photo, empty.has(name.toLowerCase()) ? [] : [name]);
  }
  return list;
}
