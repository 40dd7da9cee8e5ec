/** Words, the queue's sentences, alternative texts and keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REVIEW_COMMANDS } from '../../../src/shared/pageMessages';
import { COMMAND_TITLES, HELP_GROUPS, titleWithKey } from '../../../src/webview/texts/helpTexts';
import { areasOf, areasText, arrivedText, itemText, photoAlt, reviewedText, shownText, sortKeyText } from '../../../src/webview/texts/queueTexts';
import { classText, list, percent, placeText } from '../../../src/shared/texts/words';
import { queueItem } from './samples';

const NAMES = new Map([
  [1, 'boat'],
  [15, 'person'],
]);

test('shares: what is there is never 0 %, what is missing something never 100 %', () => {
  assert.deepEqual([0, 0.001, 0.126, 0.999, 1].map(percent), ['0 %', '< 1 %', '13 %', '> 99 %', '100 %']);
});

test('classes always show their id; background and ignore have their names, unknown ones too', () => {
  assert.deepEqual([0, 1, 7, 255].map(id => classText(id, NAMES)), ['background (0)', 'boat (1)', 'class 7', 'ignore (255)']);
});

test('places by thirds of the photo', () => {
  const photo = { width: 300, height: 300 };
  assert.equal(placeText([0, 0, 10, 10], photo), 'upper left');
  assert.equal(placeText([100, 100, 100, 100], photo), 'middle');
  assert.equal(placeText([290, 140, 10, 10], photo), 'right');
  assert.equal(placeText([145, 290, 10, 10], photo), 'lower middle');
  assert.equal(placeText([0, 0, 1, 1], { width: 1, height: 1 }), 'middle');
});

test('lists', () => {
  assert.deepEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(list), ['', 'a', 'a and b', 'a, b and c']);
});

test('an entry of the queue says state, unsaved edits, tags, removals and trouble', () => {
  assert.equal(itemText(queueItem({ photo: 'x.jpg', tags: [1, 15], removedRegions: 1 }), NAMES, true), 'x.jpg, not reviewed, unsaved edits, tags boat and person, 1 removed region');
  assert.equal(itemText(queueItem({ photo: 'x.jpg', state: 'failed', problem: 'truncated' }), NAMES, false), 'x.jpg, failed, truncated');
});

test('counts: edited ones still wait for a word, untagged ones have nothing to judge', () => {
  const items = (['accepted', 'rejected', 'empty-accepted', 'edited', 'auto', 'untagged'] as const).map(state => queueItem({ state }));
  assert.equal(reviewedText(items), 'reviewed 3 / 5');
  assert.equal(shownText(14, 2812), '14 of 2,812 photos shown');
  assert.equal(shownText(1, 1), '1 photo');
});

test('the sort key is shown, unknown ones as such', () => {
  const item = queueItem({ uncertainty: { ignore: 0.12, entropy: null, fragile: null, size: null } });
  assert.deepEqual([sortKeyText(item, 'ignore'), sortKeyText(item, 'entropy'), sortKeyText(item, 'name')], ['undecided seed 12 %', 'unclear maps unknown', '']);
});

test('areas are counted by class, without background, and read largest first', () => {
  const areas = areasOf(Uint8Array.from([0, 1, 1, 15, 255, 0, 1, 0]));
  assert.deepEqual(areas.map(({ id, pixels }) => [id, pixels]), [[1, 3], [15, 1], [255, 1]]);
  assert.equal(areasText(areas, NAMES), 'boat (1) 38 %, person (15) 13 %, ignore (255) 13 %');
  assert.deepEqual(areasOf(new Uint8Array(0)), []);
});

test('the picture has an alternative text with classes and areas', () => {
  const size = { width: 500, height: 375 };
  assert.equal(photoAlt(queueItem({ photo: 'x.jpg', areas: [{ id: 1, share: 0.24 }] }), size, NAMES), 'Photo x.jpg, 500 × 375 pixels, not reviewed. Mask: boat (1) 24 %.');
  assert.equal(photoAlt(queueItem({ photo: 'x.jpg', areas: [], state: 'empty-accepted' }), undefined, NAMES), 'Photo x.jpg, accepted, nothing in it. Mask: nothing.');
  assert.match(photoAlt(queueItem({ areas: null }), size, NAMES), /not known\.$/);
});

test('arriving at a photo says where in the queue one is', () => {
  assert.equal(arrivedText(queueItem({ photo: 'x.jpg', areas: [{ id: 1, share: 0.5 }] }), 2, 14, NAMES, false), 'Photo 3 of 14: x.jpg, not reviewed; mask: boat (1) 50 %');
  assert.match(arrivedText(queueItem({}), -1, 14, NAMES, false), /^Photo outside the filter/);
});

test('the help has every command exactly once, with a title of its own', () => {
  assert.deepEqual(HELP_GROUPS.flatMap(({ commands }) => commands).sort(), [...REVIEW_COMMANDS].sort());
  assert.equal(new Set(Object.values(COMMAND_TITLES)).size, REVIEW_COMMANDS.length);
});

test('titles name the key, where there is one', () => {
  assert.equal(titleWithKey('brush', { brush: 'B' }), 'Brush (B)');
  assert.equal(titleWithKey('brush', {}), 'Brush');
});
