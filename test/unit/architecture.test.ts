/**
 * The house's arrows: what `docs/architecture.md` allows is read from its table and compared with the real imports, so that the two cannot drift apart. Imports
 * are read twice: by their text (types count for the arrows) and by the bundler (what is really loaded).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { REPOSITORY, sourceFiles } from './sources';

interface Room {
  path: string;
  mayImport: string[];
}

const FILES = sourceFiles('src', 'models');
const ROOMS = roomsOfDoc();
/** What each file names: './x' resolved to a path in the repository (without extension), packages as they are. */
const NAMED = new Map(FILES.map(file => [file, specifiersOf(file).map(specifier => (specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier))]));
/** What each file loads when it runs, at once or later; files of ours with their extension. */
const LOADED = loadedBy();

test('the table names every room, and only rooms that are there', () => {
  const found = new Set(FILES.map(file => (file.startsWith('src/') ? file.split('/').slice(0, 2).join('/') : 'models')));
  assert.deepEqual(ROOMS.map(room => room.path).sort(), [...found].sort());
  for (const { mayImport } of ROOMS) for (const target of mayImport) assert.ok(FILES.some(file => isIn(file.replace(/\.tsx?$/, ''), target)), `the table allows '${target}', which is nowhere`);
});

test('rooms import only what the table allows, types included', () => {
  const wrong = [...NAMED].flatMap(([file, targets]) => {
    const { path, mayImport } = roomOf(file);
    return targets.filter(isOurs).flatMap(target => ([path, ...mayImport].some(place => isIn(target, place)) ? [] : [`${file} -> ${target}`]));
  });
  assert.deepEqual(wrong, []);
});

test('the text of the files tells every import that the bundler finds', () => {
  for (const [file, loaded] of LOADED) {
    const named = NAMED.get(file) ?? [];
    for (const target of loaded) assert.ok(named.includes(target) || named.includes(target.replace(/\.tsx?$/, '')), `${file}: the import of ${target} was overlooked`);
  }
});

test('neither front end loads ONNX Runtime or sharp, directly or through others', () => {
  for (const start of FILES.filter(file => /^src\/(extension|cli)\//.test(file))) {
    for (const [file, way] of reachedFrom(start)) assert.doesNotMatch(file, /^(onnxruntime|sharp$|@img\/)/, way.join(' -> '));
  }
});

test('native packages are loaded by the engine alone, and the vscode module by the extension', () => {
  const wrong = [...LOADED].flatMap(([file, loaded]) =>
    loaded.flatMap(target => {
      const owner = /^(onnxruntime-|sharp$)/.test(target) ? 'src/engine' : target === 'vscode' ? 'src/extension' : undefined;
      return owner === undefined || isIn(file, owner) ? [] : [`${file} -> ${target}`];
    }),
  );
  assert.deepEqual(wrong, []);
});

test('the review page loads nothing but its own libraries', () => {
  const libraries = /^(preact(\/|$)|@preact\/signals$|valibot$|@vscode\/webview-ui-toolkit$)/;
  const wrong = [...LOADED].flatMap(([file, loaded]) => (isIn(file, 'src/webview') ? loaded.filter(target => !isOurs(target) && !libraries.test(target)).map(target => `${file} -> ${target}`) : []));
  assert.deepEqual(wrong, []);
});

test('controls of the toolkit are registered in one file', () => {
  const files = [...LOADED].flatMap(([file, loaded]) => (loaded.includes('@vscode/webview-ui-toolkit') ? [file] : []));
  assert.deepEqual(files, ['src/webview/controls.ts']);
});

test('the pipeline knows neither files nor processes', () => {
  const wrong = [...NAMED].flatMap(([file, targets]) => (isIn(file, 'src/pipeline') ? targets.filter(target => /^(node:)?(fs|fs\/promises|os|child_process|worker_threads|net|https?|process)$/.test(target)).map(target => `${file} -> ${target}`) : []));
  assert.deepEqual(wrong, []);
});

test('files do not load each other in a circle', () => {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    assert.ok(!way.includes(file), `a circle: ${[...way.slice(way.indexOf(file)), file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const next of LOADED.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of FILES) visit(file, []);
});

/** The rows of the table under "Rooms": the first cell is the room, backticked paths of the last are what it may import. */
function roomsOfDoc(): Room[] {
  const doc = readFileSync(join(REPOSITORY, 'docs/architecture.md'), 'utf8');
  const section = doc.split(/^## /m).find(part => part.startsWith('Rooms')) ?? '';
  return section
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line => {
      const cells = line.split('|');
      const [path = ''] = backticked(cells[1]);
      return { path, mayImport: backticked(cells[3]) };
    });
}

function backticked(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path.replace(/\/$/, ''));
}

function roomOf(file: string): Room {
  const room = ROOMS.find(({ path }) => isIn(file, path));
  assert.ok(room, `${file} lies in no room of the table`);
  return room;
}

function isIn(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** A path in the repository rather than a package. */
function isOurs(target: string): boolean {
  return /^(src|models|test|scripts|bench|\.\.)\//.test(target);
}

function specifiersOf(file: string): string[] {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  return [...text.matchAll(/(?:^|\n)(?:import|export)\s(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g)].map(([, from, called]) => from ?? called);
}

function loadedBy(): Map<string, string[]> {
  const { metafile } = buildSync({
    absWorkingDir: REPOSITORY,
    entryPoints: FILES,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    outdir: 'unused',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'error',
  });
  // Imports of types alone are dropped before they are resolved, so their paths stay relative; JSX brings its runtime by itself.
  return new Map(FILES.map(file => [file, metafile.inputs[file].imports.map(({ path }) => path).filter(path => !path.startsWith('.') && path !== 'preact/jsx-runtime')]));
}

/** Everything that `start` loads, with the way there. */
function reachedFrom(start: string): Map<string, string[]> {
  const ways = new Map([[start, [start]]]);
  for (const [file, way] of ways) for (const next of LOADED.get(file) ?? []) if (!ways.has(next)) ways.set(next, [...way, next]);
  return ways;
}
