/**
 * `npm run demo`: the main job on photographs that npm brings, in the workspace `demo/`; `npm run demo -- FOLDER [flags of seedmask run]` does it on a person's own
 * folder. Builds what is missing, runs the `seedmask` command, and puts photo, CAM, seed and mask side by side on a contact sheet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { writeContactSheet } from './contactSheet';
import { makeDemoFolder } from './demoFolder';
import { hasFonts } from './sheetLayout';
import { describeError, SeedMaskError } from '../src/shared/errors';

const ROOT = join(import.meta.dirname, '..');

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
  if (!own) await makeDemoFolder(ROOT, folder);

  console.log(`\nseedmask run ${[pretty(folder), ...flags].join(' ')}`);
  const { status, error } = spawnSync(process.execPath, [join(ROOT, 'dist/cli.js'), 'run', folder, ...flags], { stdio: 'inherit' });
  if (error) throw error;
  process.exitCode = status ?? 1;
  // 1: some photos have masks and some have failed.
  if (process.exitCode > 1 || !existsSync(folder)) return;

  const sheet = own ? join(folder, '.seedmask/contact-sheet.png') : join(ROOT, 'demo/contact-sheet.png');
  const shown = await writeContactSheet(folder, sheet, `SeedMask · ${own ? basename(folder) : 'from tags to masks'}`);
  console.log(shown > 0 ? `\nMasks:         ${pretty(folder)}\nContact sheet: ${pretty(sheet)} (${shown} photo${shown === 1 ? '' : 's'})` : '\nNo photo has a mask with its layers, so there is no contact sheet.');
  if (shown > 0 && !(await hasFonts())) console.log('This machine has no fonts, so the sheet has boxes for letters. On Debian: apt-get install fonts-dejavu-core');
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
