/** The folder names that data sets use for their parts: they are no classes, and some of them hold true masks, not photos. */
import { folderOf } from './paths';

const PHOTOS = /^(images?|imgs?|photos?|pictures?|pics|jpegimages)$/i;
const TRUTH = /^(masks?|labels?|annotations?|segmentations?|gt|ground[_-]?truth|segmentation(class|object)(aug|raw)?)([_-].*)?$/i;
const SPLIT = /^(data|datasets?|raw|inputs?|samples?|all|train(ing|val)?|val|valid(ation)?|test(ing)?|dev)$/i;

/** `name` (one folder) is a part of a data set: images, train, masks, … */
export function isPart(name: string): boolean {
  return PHOTOS.test(name) || TRUTH.test(name) || SPLIT.test(name);
}

/** `name` (one folder) is what folders of photos are called. */
export function isPhotoFolder(name: string): boolean {
  return PHOTOS.test(name);
}

/** `name` (one folder) is what folders of true masks are called. */
export function isTruthFolder(name: string): boolean {
  return TRUTH.test(name);
}

/** `photo` lies in a folder that by its name holds masks. */
export function inTruthFolder(photo: string): boolean {
  return folderOf(photo).split('/').some(isTruthFolder);
}
