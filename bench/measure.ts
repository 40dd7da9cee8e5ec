/**
 * What the benches share: medians, tables in Markdown, what the machine is and how busy it was, and folders of photos to measure on.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { makeDemoFolder } from '../scripts/demoFolder';

export const REPOSITORY = join(import.meta.dirname, '..');
/** The engine process's file, as `npm run build` makes it. */
export const ENGINE = join(REPOSITORY, 'dist/engine.js');
/** The models, as `npm run models` makes them. */
export const WEIGHTS = join(REPOSITORY, 'models/weights');
/** How benches read photos. */
export const READ = { maxMegapixels: 200, salvage: false };
/** Side that photos brought by npm are shrunk to, pixels. */
const LONG_SIDE = 375;

/** The value below which `share` (0..1) of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What `body` gives, and how long it took in milliseconds. */
export async function timed<T>(body: () => T | Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await body();
  return { ms: performance.now() - start, result };
}

/** A table in Markdown: the first column is text, the others are numbers. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** The machine and its load of the last minute, in one line. */
export function machine(): string {
  const [{ model }] = cpus();
  return `${availableParallelism()} cores (${model.trim()}), Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}`;
}

/** Gives `body` a folder that is gone afterwards. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'seedmask-bench-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * Makes `folder` a data set of at most `most` photos: those of `source` (a folder with `images/` and `tags.json`) as they are, else the demo's at 375 px.
 * @returns the photos' names, all of them tagged
 */
export async function makeDataSet(folder: string, source: string | undefined, most = Infinity): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const from = source === undefined ? join(folder, '.originals') : join(source, 'images');
  if (source === undefined) await makeDemoFolder(REPOSITORY, from);
  const tags = JSON.parse(readFileSync(join(source ?? from, 'tags.json'), 'utf8')) as Record<string, string[]>;
  const tagged = Object.keys(tags).filter(name => tags[name].length > 0 && existsSync(join(from, name)));
  const step = Math.max(1, tagged.length / most);
  const photos = tagged.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step)).slice(0, most);
  for (const photo of photos) {
    if (source === undefined) await sharp(join(from, photo)).resize(LONG_SIDE, LONG_SIDE, { fit: 'inside' }).jpeg({ quality: 92 }).toFile(join(folder, photo));
    else copyFileSync(join(from, photo), join(folder, photo));
  }
  if (source === undefined) rmSync(from, { recursive: true });
  writeFileSync(join(folder, 'tags.json'), JSON.stringify(Object.fromEntries(photos.map(photo => [photo, tags[photo]]))));
  return photos;
}

/** Fills `folder` with `count` photos that all differ in their bytes, `longSide` px, made from those of a data set in turns, with their tags. */
export async function multiply(dataSet: string, folder: string, count: number, longSide: number): Promise<void> {
  const tags = JSON.parse(readFileSync(join(dataSet, 'tags.json'), 'utf8')) as Record<string, string[]>;
  const names = readdirSync(dataSet).filter(name => name in tags);
  const bytes = await Promise.all(names.map(name => sharp(join(dataSet, name)).resize(longSide, longSide, { fit: 'inside' }).jpeg({ quality: 90 }).toBuffer()));
  const all: Record<string, string[]> = {};
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const photo = `${String(i).padStart(5, '0')}.jpg`;
    // What follows the end of a JPEG picture is no part of it.
    writeFileSync(join(folder, photo), Buffer.concat([bytes[i % bytes.length], Buffer.from(photo)]));
    all[photo] = tags[names[i % names.length]];
  }
  writeFileSync(join(folder, 'tags.json'), JSON.stringify(all));
}
