/** What the manifest says of the review, against the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { reviewKeys } from '../../../src/extension/review/keys';
import { REVIEW_COMMANDS } from '../../../src/shared/reviewCommands';
import { REPOSITORY } from '../sources';

interface Manifest {
  contributes: {
    commands: { command: string; title: string }[];
    keybindings: { command: string; key: string; mac?: string; when: string }[];
    menus: { commandPalette: { command: string; when: string }[] };
  };
}

const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as Manifest;
const texts = JSON.parse(readFileSync(join(REPOSITORY, 'package.nls.json'), 'utf8')) as Record<string, string>;
const { commands, keybindings, menus } = manifest.contributes;

/** Change masks, marks, tags or hints, or are of no use without that. */
const WRITING = ['acceptAndNext', 'rejectAndNext', 'accept', 'reject', 'takeBackMark', 'brush', 'eraser', 'fill', 'lasso', 'wand', 'box', 'point', 'scribble', 'grow', 'shrink', 'smooth', 'copyPrevious', 'applyHints', 'removeRegion', 'restoreRegion', 'acceptRegion', 'editTags'];

test('every command of the page has a title, a key, and its place in the palette', () => {
  for (const name of REVIEW_COMMANDS) {
    const command = `seedmask.review.${name}`;
    const title = commands.find(entry => entry.command === command)?.title ?? '';
    assert.ok(texts[title.slice(1, -1)], `${command}: ${title}`);
    assert.ok(keybindings.some(entry => entry.command === command), `${command} has no key`);
    assert.ok(menus.commandPalette.some(entry => entry.command === command && entry.when.includes("activeCustomEditorId == 'seedmask.review'")), command);
  }
});

test('no key has two meanings, and the digits are the page\'s', () => {
  const keys = keybindings.flatMap(({ key, mac }) => [key, ...(mac === undefined ? [] : [`mac ${mac}`])]);
  assert.deepEqual(keys.filter((key, i) => keys.indexOf(key) !== i), []);
  assert.deepEqual(keys.filter(key => /^[0-9h]$/.test(key)), []);
});

test('keys act in the review alone, never while something is typed or a list has the focus', () => {
  for (const { command, when } of keybindings) {
    for (const clause of ["activeCustomEditorId == 'seedmask.review'", '!inputFocus', '!listFocus', '!focusedView']) assert.ok(when.split(' && ').includes(clause), `${command}: ${when}`);
  }
});

test('keys that change something need trust', () => {
  for (const name of WRITING) assert.ok(keybindings.find(({ command }) => command === `seedmask.review.${name}`)?.when.includes('isWorkspaceTrusted'), name);
});

test('keys are told as people write them', () => {
  const keys = reviewKeys(manifest, false);
  assert.deepEqual(Object.keys(keys).sort(), [...REVIEW_COMMANDS].sort());
  assert.equal(keys['nextPhoto'], 'F');
  assert.equal(keys['grow'], 'Shift+]');
  assert.equal(keys['applyHints'], 'Ctrl+Enter');
  assert.equal(reviewKeys(manifest, true)['applyHints'], 'Cmd+Enter');
  assert.equal(keys['zoomOut'], '-');
  assert.deepEqual(reviewKeys({}), {});
});
