/** What a review keeps on disk: tags, hints, facts. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as v from 'valibot';
import { encodeMask } from '../../../src/dataset/maskFile';
import { readHints, setHints } from '../../../src/dataset/hints';
import { appendJournal, readJournal } from '../../../src/dataset/journal';
import { areasOf, changeBetween, maskFacts, readFacts, recordFacts, regionFacts, seedFacts, tidyFacts } from '../../../src/dataset/photoFacts';
import { readReviewTags, setReviewTags } from '../../../src/dataset/reviewTags';
import { readTags } from '../../../src/dataset/tags/readTags';
import type { Hints } from '../../../src/shared/review';
import type { LabelMap, Maps } from '../../../src/shared/maps';
import { put, tempFolder } from './temp';

const labels = (...data: number[]): LabelMap => ({ data: Uint8Array.from(data), width: data.length, height: 1 });

test('a journal passes over what is torn or damaged, and its next line is not glued to it', async t => {
  const root = await tempFolder(t);
  const file = join(root, '.seedmask/x.jsonl');
  const schema = v.object({ n: v.number() });
  assert.deepEqual(await readJournal(file, schema), []);
  await appendJournal(file, [{ n: 1 }, { n: 2 }]);
  await appendFile(file, 'garbage\n{"n": "no number"}\n{"n": 3');
  await appendJournal(file, [{ n: 4 }]);
  assert.deepEqual(await readJournal(file, schema), [{ n: 1 }, { n: 2 }, { n: 4 }]);
});

test('a person\'s tags win over all sources but a file that the person named, are listed as a source, and are no conflict', async t => {
  const root = await tempFolder(t, { 'tags.json': '{"a.jpg": ["cat"], "b.jpg": ["dog"]}', 'named.json': '{"b.jpg": ["fox"]}' });
  const photos = ['a.jpg', 'b.jpg', 'c.jpg'];
  await setReviewTags(root, 'a.jpg', ['  owl ', 'background', 'owl', 'e\u0301mu']);
  await setReviewTags(root, 'b.jpg', []);
  const reading = await readTags(root, photos, { backgroundNames: [] });
  assert.deepEqual([...reading.tags], [['a.jpg', ['owl', 'ému']], ['b.jpg', []]]);
  assert.equal(reading.source, 'your review (2 photos), tags.json');
  assert.deepEqual(reading.notes, []);
  const named = await readTags(root, photos, { backgroundNames: [], tagsFile: join(root, 'named.json') });
  assert.deepEqual([...named.tags].sort(), [['a.jpg', ['owl', 'ému']], ['b.jpg', ['fox']]]);
  await setReviewTags(root, 'a.jpg', null);
  assert.deepEqual((await readTags(root, photos, { backgroundNames: [] })).tags.get('a.jpg'), ['cat']);
});

test('a person\'s tags do not stop folder names, nor tags one folder up, from naming the other photos', async t => {
  const root = await tempFolder(t, { 'set/cat/a.jpg': '', 'set/cat/b.jpg': '' });
  await setReviewTags(join(root, 'set'), 'cat/a.jpg', ['dog']);
  const photos = ['cat/a.jpg', 'cat/b.jpg'];
  const reading = await readTags(join(root, 'set'), photos, { backgroundNames: [] });
  assert.deepEqual([...reading.tags], [['cat/a.jpg', ['dog']], ['cat/b.jpg', ['cat']]]);
  await put(root, { 'tags.json': '{"b.jpg": "fox"}' });
  assert.deepEqual([...(await readTags(join(root, 'set'), photos, { backgroundNames: [] })).tags], [['cat/a.jpg', ['dog']], ['cat/b.jpg', ['fox']]]);
});

test('names that no class can have are refused, and nothing is kept', async t => {
  const root = await tempFolder(t);
  for (const tags of [['a\nb'], [''], ['x'.repeat(300)]]) await assert.rejects(setReviewTags(root, 'a.jpg', tags), { reason: 'bad-tags' });
  await assert.rejects(setReviewTags(root, 'a.jpg', Array.from({ length: 255 }, (_, i) => `c${i}`)), { reason: 'too-many-classes' });
  assert.equal((await setReviewTags(root, 'a.jpg', Array.from({ length: 254 }, (_, i) => `c${i}`)))?.length, 254);
  assert.equal((await readReviewTags(root)).size, 1);
});

test('hints: the last ones count, none take them back; too many are refused', async t => {
  const root = await tempFolder(t);
  const none: Hints = { boxes: [], points: [], scribbles: [] };
  const hints: Hints = { boxes: [{ id: 1, box: [0, 0, 3, 4] }], points: [{ id: 2, x: 1, y: 1 }], scribbles: [{ id: 0, radius: 2.5, points: [[0, 0], [5, 5]] }] };
  await setHints(root, 'a.jpg', { ...none, points: [{ id: 1, x: 0, y: 0 }] });
  await setHints(root, 'a.jpg', hints);
  await setHints(root, 'b.jpg', hints);
  await setHints(root, 'b.jpg', none);
  assert.deepEqual([...(await readHints(root))], [['a.jpg', hints]]);
  await assert.rejects(setHints(root, 'a.jpg', { ...none, points: Array.from({ length: 10_001 }, () => ({ id: 1, x: 0, y: 0 })) }), { reason: 'too-large' });
});

test('facts are laid over each other, and a file that has grown is put in order', async t => {
  const root = await tempFolder(t);
  await recordFacts(root, 'a.jpg', { ignore: 0.5, entropy: 0.25, areas: [{ id: 1, share: 0.1 }] });
  await recordFacts(root, 'a.jpg', { removedRegions: 2, fragile: null, areas: [] });
  const expected = { ignore: 0.5, entropy: 0.25, areas: [], removedRegions: 2, fragile: null };
  assert.deepEqual((await readFacts(root)).get('a.jpg'), expected);
  const file = join(root, '.seedmask/facts.jsonl');
  await appendFile(file, `${JSON.stringify({ photo: 'b.jpg', ignore: 1 })}\n`.repeat(200_000));
  await tidyFacts(root);
  assert.equal((await readFile(file, 'utf8')).split('\n').length, 3);
  assert.deepEqual((await readFacts(root)).get('a.jpg'), expected);
  await writeFile(file, Buffer.alloc(100));
  assert.equal((await readFacts(root)).size, 0);
});

test('facts of a mask: areas without background and ignore, what changed, and the file they are of', async t => {
  const mask = labels(0, 7, 7, 255, 9, 0, 0, 0);
  const bytes = encodeMask(mask);
  const root = await tempFolder(t, { 'a.mask.png': bytes });
  const facts = await maskFacts(root, 'a.mask.png', bytes, mask, labels(0, 7, 7, 255, 0, 0, 0, 1));
  assert.deepEqual(facts.areas, [{ id: 7, share: 0.25 }, { id: 9, share: 0.125 }]);
  assert.equal(facts.change, 0.25);
  assert.equal(facts.mask?.size, bytes.length);
  assert.deepEqual(areasOf(labels(0, 0, 255)), []);
  assert.equal(changeBetween(mask, labels(1)), null);
});

test('entropy is 0 where maps are sure, 1 where all are as likely as the background', () => {
  const maps = (...values: number[]): Maps => ({ data: Float32Array.from(values.flatMap(value => Array<number>(100).fill(value))), channels: values.length, height: 10, width: 10 });
  assert.equal(seedFacts(maps(0, 0), 0.2, labels(0, 0)).entropy, 0);
  assert.ok(Math.abs((seedFacts(maps(0.2, 0.2, 0.2), 0.2, labels(0)).entropy ?? 0) - 1) < 1e-6);
  const between = seedFacts(maps(0.9, 0), 0.2, labels(0, 255, 255, 1));
  assert.ok(between.entropy !== undefined && between.entropy > 0.3 && between.entropy < 0.6, String(between.entropy));
  assert.equal(between.ignore, 0.5);
  assert.deepEqual(seedFacts({ data: new Float32Array(), channels: 0, height: 4, width: 4 }, 0.2, labels(0)), { ignore: 0, entropy: 0 });
});

test('facts of removed regions: how many, and which share of their pixels rests on fragile evidence', () => {
  assert.deepEqual(regionFacts([{ area: 30, stable: true }, { area: 10, stable: false }]), { removedRegions: 2, fragile: 0.25 });
  assert.deepEqual(regionFacts([]), { removedRegions: 0, fragile: null });
});
