/**
 * The house's rules that a machine can check (CONTRIBUTING.md): headers, length, exports, no `any`, and that every test is run by some npm script.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS_FLAGS } from '../../src/cli/settings';
import { REPOSITORY, sourceFiles } from './sources';

const MOST_LINES = 400;
const FILES = sourceFiles('src', 'models', 'scripts', 'bench', 'test');
const TEXTS = new Map(FILES.map(file => [file, readFileSync(join(REPOSITORY, file), 'utf8')]));

/** Files whose text `wrong` finds fault with, with what it says. */
function faults(wrong: (text: string, file: string) => string | false | undefined): string[] {
  return [...TEXTS].flatMap(([file, text]) => {
    const fault = wrong(text, file);
    return fault === undefined || fault === false ? [] : [`${file}: ${fault}`];
  });
}

/** The text without comments. Strings stay, which is good enough to find keywords. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

test('every file opens with a paragraph that says what it is (tests say it by their titles)', () => {
  assert.deepEqual(faults((text, file) => !file.endsWith('.test.ts') && !/^(#!.*\n)?\/\*\*\s[\s\S]{20,}?\*\//.test(text) && 'no header'), []);
});

test(`no file is longer than ${MOST_LINES} lines`, () => {
  assert.deepEqual(faults(text => {
    const lines = text.trimEnd().split('\n').length;
    return lines > MOST_LINES && `${lines} lines`;
  }), []);
});

test('no default exports and no files that only hand on what others export', () => {
  assert.deepEqual(faults(text => /^export default\b/m.test(code(text)) && 'a default export'), []);
  assert.deepEqual(faults(text => {
    const statements = code(text).split('\n').filter(line => line.trim() !== '');
    return statements.length > 0 && statements.every(line => /^export (type )?(\*|\{)|^\s+\w+,$|^\} from /.test(line)) && 'only re-exports';
  }), []);
});

test('the type checker is not talked out of anything', () => {
  assert.deepEqual(faults(text => /@ts-(ignore|nocheck|expect-error)|eslint-disable/.exec(text.replace(/\/@ts-.*\/\.exec.*/g, ''))?.[0]), []);
  assert.deepEqual(faults(text => /(?::|\bas|<|\||&|,)\s*any\b(?=\s*[;,)>=\]|&{}[]|\s*$)/m.exec(code(text))?.[0]), []);
});

test('every test is run by an npm script', () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const run = scripts['test'].matchAll(/npm run (\S+)/g);
  const commands = [...run].map(([, name]) => {
    assert.ok(scripts[name], `'npm test' runs '${name}', which is no script`);
    return scripts[name];
  });
  const folders = commands.flatMap(command => [...command.matchAll(/scripts\/test\.mjs ((?:[^-\s&]\S*\s*)+)/g)].flatMap(([, paths]) => paths.trim().split(/\s+/)));
  // The tests inside VS Code: `vscode-test` takes the files of one folder, as its configuration says.
  const configuration = readFileSync(join(REPOSITORY, '.vscode-test.mjs'), 'utf8');
  const inHost = commands.some(command => command.includes('vscode-test')) && configuration.includes('dist-test/host') ? /^test\/host\/[^/]+$/ : undefined;
  const orphans = sourceFiles('test')
    .filter(file => file.endsWith('.test.ts'))
    .filter(file => !folders.some(folder => file === folder || file.startsWith(`${folder}/`)) && !inHost?.test(file));
  assert.deepEqual(orphans, []);
});

test('links and pictures of the documentation are there', () => {
  const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...['algorithms', 'architecture', 'devices', 'masks', 'models', 'review', 'tags', 'training'].map(name => `docs/${name}.md`)];
  const missing = pages.flatMap(page => {
    const text = readFileSync(join(REPOSITORY, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)|src="([^"]+)"/g)].map(([, link, picture]) => link ?? picture).filter(link => !/^https?:/.test(link));
    return links.filter(link => !existsSync(join(REPOSITORY, page, '..', link))).map(link => `${page}: ${link}`);
  });
  assert.deepEqual(missing, []);
});

test('the documentation names files that are there', () => {
  const algorithms = readFileSync(join(REPOSITORY, 'docs/algorithms.md'), 'utf8');
  const missing = [...algorithms.matchAll(/`((?:src|models|docs|bench|scripts)\/[\w./-]+\.\w+|\w+\.ts)`/g)].map(([, path]) => path).filter(path => ![path, `src/pipeline/${path}`].some(place => existsSync(join(REPOSITORY, place))));
  assert.deepEqual(missing, []);
  const pipeline = sourceFiles('src/pipeline').map(file => file.replace('src/pipeline/', ''));
  assert.deepEqual(pipeline.filter(name => !algorithms.includes(`\`${name}\``) && !algorithms.includes(`/${name}\``)), [], 'files of the pipeline that docs/algorithms.md does not name');
});

test('README names every setting and every flag', () => {
  const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const { contributes } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { contributes: { configuration: { properties: Record<string, unknown> } } };
  const names = [...Object.keys(contributes.configuration.properties), ...Object.keys(SETTINGS_FLAGS).map(flag => `--${flag}`)];
  assert.deepEqual(names.filter(name => !new RegExp(`\`${name}\\b`).test(readme)), []);
});
