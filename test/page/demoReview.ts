/**
 * The review of a data set that `npm run demo` left: its photos, masks and layers as they are on disk, with evidence made up where nothing was debiased, so that every
 * panel has something to show.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { readClassTable } from '../../src/dataset/classTable';
import { readLayers } from '../../src/dataset/layers';
import { decodeMask } from '../../src/dataset/maskFile';
import { encodeRuns } from '../../src/shared/labelRuns';
import type { LabelMap } from '../../src/shared/maps';
import type { Layer, PhotoView, QueueItem } from '../../src/shared/review';
import { madeUpClasses, madeUpRemoval } from './madeUpEvidence';
import { EMPTY_SESSION, type FakeReview } from './fakeReview';

/** `root`: a folder with tags.json, photos, masks `<stem>.mask.png` and `.seedmask/`. */
export async function demoReview(root: string): Promise<FakeReview> {
  const tags = JSON.parse(await readFile(join(root, 'tags.json'), 'utf8')) as Record<string, string[]>;
  const table = await readClassTable(root);
  const classes = table.classes.map(({ id, name }) => ({ id, name }));
  const idOf = (name: string): number => classes.find(known => known.name === name)?.id ?? 0;
  const names = Object.keys(tags).sort();
  const masks = await Promise.all(names.map(async name => decodeMask(await readFile(join(root, maskName(name)))).labels));
  const states = ['auto', 'auto', 'edited', 'accepted', 'auto', 'rejected', 'empty-accepted', 'failed', 'untagged', 'auto'] as const;
  const items = names.map((photo, index): QueueItem => ({
    photo,
    mask: maskName(photo),
    state: states[index % states.length],
    tags: tags[photo].map(idOf),
    areas: areasOf(masks[index]),
    ...(states[index % states.length] === 'failed' && { problem: 'the photo is damaged: the file ends early' }),
    uncertainty: { ignore: (index * 37 % 100) / 100, entropy: (index * 53 % 100) / 100, fragile: index % 3 === 0 ? (index * 29 % 100) / 100 : null, size: (index * 71 % 100) / 100 },
    change: index % 2 ? (index * 13 % 40) / 100 : null,
    removedRegions: 1,
  }));
  return {
    session: { ...EMPTY_SESSION, name: basename(root), classes, items },
    photo: async index => {
      const bytes = new Uint8Array(await readFile(join(root, names[index])));
      return { view: await viewOf(root, names, index, masks[index]), file: { bytes, type: 'image/jpeg' } };
    },
    thumbnail: async (index, longSide) => new Uint8Array(await sharp(join(root, names[index])).rotate().resize(longSide, longSide, { fit: 'inside' }).jpeg({ quality: 70 }).toBuffer()),
    classes: async () => madeUpClasses(classes, names),
  };
}

function maskName(photo: string): string {
  return `${photo.replace(/\.[^.]+$/, '')}.mask.png`;
}

async function viewOf(root: string, names: readonly string[], index: number, mask: LabelMap): Promise<PhotoView> {
  const photo = names[index];
  const { width, height } = mask;
  const layers: Layer[] = [];
  const stored = await readLayers(root, photo);
  if (stored) {
    const { info, cams, refined, seed } = stored;
    for (const [kind, maps] of [['cam', cams], ['refined', refined]] as const) {
      info.classes.forEach(({ id, name }, c) => {
        const size = maps.width * maps.height;
        const data = Uint8Array.from(maps.data.subarray(c * size, (c + 1) * size), score => Math.round(score * 255));
        layers.push({ kind, classId: id, width: maps.width, height: maps.height, data, made: `${kind === 'cam' ? 'CAM of heads' : 'CAM after SCG and PAMR'}, ${name}, ${info.model}`, thresholds: info.thresholds });
      });
    }
    layers.push({ kind: 'seed', width: seed.width, height: seed.height, data: encodeRuns(seed.data), made: `Seed of the certain filter, ${info.model}`, thresholds: info.thresholds });
  }
  const removal = madeUpRemoval(photo, names, mask);
  if (removal) {
    layers.push({ kind: 'before', width, height, data: encodeRuns(removal.before.data), made: 'The mask before debiasing', thresholds: {} });
    layers.push({ kind: 'removed', width, height, data: encodeRuns(removal.removed.data), made: 'Removed by MARS, similarity below 0.5', thresholds: { similarity: 0.5 } });
  }
  return {
    photo,
    width,
    height,
    source: hashOf(photo),
    mask: { hash: hashOf(`${photo} mask`), width, height, runs: encodeRuns(mask.data) },
    layers,
    evidence: removal ? [{ ...removal.evidence, choice: null }] : [],
    hints: { boxes: [], points: [], scribbles: [] },
  };
}

function areasOf({ data }: LabelMap): { id: number; share: number }[] {
  const counts = new Map<number, number>();
  for (const id of data) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].filter(([id]) => id > 0).sort(([a], [b]) => a - b).map(([id, count]) => ({ id, share: count / data.length }));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
