/**
 * Finds the photo that a tags file means: by its path, from the tags file's folder or from the root; else by the end of its
 * path, often the bare name, where only one photo has it; a bare name may lack its extension. Photos among true masks come
 * second. Names are compared in NFC.
 */
import { relative, sep } from 'node:path';
import { inTruthFolder } from '../layout';
import { baseName, cleanRelativePath, stemOf } from '../paths';

export type Found = { photo: string } | { refused: string } | { ambiguous: string[] } | { unknown: true };

export class PhotoIndex {
  private readonly byPath = new Map<string, string>();
  private readonly byBase = new Map<string, string[]>();
  private readonly byStem = new Map<string, string[]>();

  constructor(photos: readonly string[]) {
    for (const photo of photos) {
      this.byPath.set(photo.normalize('NFC'), photo);
      push(this.byBase, baseName(photo).normalize('NFC'), photo);
      push(this.byStem, stemOf(photo).normalize('NFC'), photo);
    }
  }

  /** `key` is untrusted; `folder` (absolute) is where its file lies, `root` where the photos' ids start. */
  find(key: string, folder: string, root: string): Found {
    const clean = cleanRelativePath(key);
    if ('refused' in clean) return clean;
    const path = clean.path.normalize('NFC');
    const exact = this.byPath.get(fromRoot(path, folder, root)) ?? this.byPath.get(path);
    if (exact !== undefined) return { photo: exact };
    const name = baseName(path);
    const named = preferPhotos((this.byBase.get(name) ?? this.byStem.get(name) ?? []).filter(photo => mayMean(path, photo.normalize('NFC'))));
    if (named.length === 0) return { unknown: true };
    return named.length === 1 ? { photo: named[0] } : { ambiguous: named };
  }
}

/** `path`, relative to `folder`, as an id. The folder lies at, above or below the root. */
function fromRoot(path: string, folder: string, root: string): string {
  const down = relative(folder, root).split(sep).join('/').normalize('NFC');
  if (down === '') return path;
  if (!down.startsWith('..')) return path.startsWith(`${down}/`) ? path.slice(down.length + 1) : path;
  return `${relative(root, folder).split(sep).join('/').normalize('NFC')}/${path}`;
}

/** A bare name may mean a photo of any folder; a path only one whose folders agree as far as both name them. */
function mayMean(path: string, photo: string): boolean {
  return !path.includes('/') || photo.endsWith(`/${path}`) || path.endsWith(`/${photo}`);
}

function preferPhotos(candidates: string[]): string[] {
  const photos = candidates.filter(candidate => !inTruthFolder(candidate));
  return photos.length > 0 ? photos : candidates;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
