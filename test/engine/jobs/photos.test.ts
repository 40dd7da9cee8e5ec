/**
 * Photos of every kind in one batch: each ends in a mask of its size or in a reason, and none keeps the others from theirs. And names: the
 * same stem twice, other scripts, twins by case.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { png } from '../../unit/dataset/pngMaker';
import { boxes, colourFolder, counts, filesIn, idsIn, labels, leftovers, masksIn, picture, run, saveColours, taggedFolder, type Tags } from './folders';

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

const drawing = (): Sharp => picture(96, 72, 'red');
const jpeg = (): Promise<Buffer> => drawing().jpeg().toBuffer();

/** What each becomes: [width, height] of its mask, or the reason and the words of its failure. */
const STRANGE: [string, () => Promise<Uint8Array>, [number, number] | [string, RegExp]][] = [
  ['truncated.jpg', async () => (await jpeg()).subarray(0, 700), ['bad-image', /cannot be decoded/]],
  ['page.jpg', async () => Buffer.from('<!DOCTYPE html><html></html>'), ['bad-image', /HTML/]],
  ['empty.jpg', async () => new Uint8Array(0), ['bad-image', /empty/]],
  ['bomb.png', async () => png({ width: 1, height: 1, depth: 8, colour: 0, samples: Uint8Array.of(0), claim: { width: 50_000, height: 50_000 }, body: deflateSync(Buffer.alloc(100_000)) }), ['too-large', /50000 x 50000/]],
  ['drawing.bmp', async () => Buffer.from('BM then something'), ['bad-image', /BMP/]],
  ['animated.gif', () => sharp(Buffer.concat([boxes(96, 72, 'red'), boxes(96, 72, 'blue')]), { raw: { width: 96, height: 144, channels: 3, pageHeight: 72 } }).gif({ loop: 0, delay: [100, 100] }).toBuffer(), [96, 72]],
  ['dot.png', () => picture(1, 1, 'red').png().toBuffer(), [1, 1]],
  ['pole.png', () => picture(1, 2000, 'red').png().toBuffer(), [1, 2000]],
  ['line.png', () => picture(2000, 1, 'red').png().toBuffer(), [2000, 1]],
  ['panorama.jpg', () => picture(12_000, 700, 'red').jpeg().toBuffer(), [12_000, 700]],
  ['cmyk.jpg', () => drawing().toColourspace('cmyk').jpeg().toBuffer(), [96, 72]],
  ['deep.png', () => drawing().toColourspace('rgb16').png().toBuffer(), [96, 72]],
  ['grey.png', () => drawing().greyscale().ensureAlpha(0.5).png().toBuffer(), [96, 72]],
  ['clear.webp', () => drawing().ensureAlpha(0.9).webp().toBuffer(), [96, 72]],
  ['misnamed.png', jpeg, [96, 72]],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((orientation): (typeof STRANGE)[number] => [`exif${orientation}.jpg`, () => drawing().withMetadata({ orientation }).jpeg().toBuffer(), orientation > 4 ? [72, 96] : [96, 72]]),
];

test('every kind of photo ends as it should, and none disturbs the others', async t => {
  const files: Record<string, Uint8Array> = {};
  for (const [name, make] of STRANGE) files[name] = await make();
  const root = await colourFolder(t, files, Object.fromEntries(STRANGE.map(([name]) => [name, ['red']])));
  const { summary, events } = await run(root, colours);
  assert.equal(summary.state, 'done');
  const failures = new Map(summary.failed.map(failure => [failure.photo, failure]));
  for (const [photo, , [first, second]] of STRANGE) {
    const mask = photo.replace(/\.\w+$/, '.mask.png');
    const failure = failures.get(photo);
    if (second instanceof RegExp) {
      assert.equal(failure?.reason, first, photo);
      assert.match(failure.message, second);
      assert.ok(!(await masksIn(root)).has(mask), `${photo} has a mask all the same`);
    } else {
      assert.equal(failure, undefined, `${photo}: ${failure?.message}`);
      const { width, height } = await labels(root, mask);
      assert.deepEqual([width, height], [first, second], photo);
      assert.ok((await idsIn(root, mask)).every(id => id === 0 || id === 2), photo);
    }
  }
  const broken = STRANGE.filter(([, , [, second]]) => second instanceof RegExp).length;
  assert.deepEqual(counts(summary), ['done', 6 + STRANGE.length - broken, 0, 0, broken]);
  assert.deepEqual(summary.photos, 6 + STRANGE.length);
  assert.equal(events.filter(event => event.type === 'photo').length, summary.photos);
  assert.deepEqual(await idsIn(root, 'both.mask.png'), [0, 1, 2]);
  assert.deepEqual(await leftovers(root), []);

  const again = await run(root, colours);
  assert.deepEqual(counts(again.summary), ['done', 0, 0, 6 + STRANGE.length - broken, broken], 'only the failed ones are tried again');
});

test('a damaged photo that a person wants all the same', async t => {
  const whole = await picture(96, 72, 'red').jpeg().toBuffer();
  const root = await colourFolder(t, { 'cut.jpg': whole.subarray(0, whole.length - 300) }, { 'cut.jpg': ['red'] });
  assert.equal((await run(root, colours)).summary.failed[0].photo, 'cut.jpg');
  const { summary } = await run(root, colours, { settings: { salvageDamaged: true } });
  assert.deepEqual(counts(summary), ['done', 1, 0, 6, 0]);
  assert.deepEqual(await idsIn(root, 'cut.mask.png'), [0, 2]);
});

test('the only tagged photo is damaged: it fails, and photos of nothing have their masks', async t => {
  const root = await taggedFolder(t, { 'cut.jpg': (await jpeg()).subarray(0, 500), 'none.png': await picture(30, 20).png().toBuffer() }, { 'cut.jpg': ['red'], 'none.png': [] });
  const { summary } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 1, 0, 0, 1]);
  assert.deepEqual(await idsIn(root, 'none.mask.png'), [0]);
});

test('photos of nothing need no model to run', async t => {
  const root = await taggedFolder(t, { 'a.png': await picture(31, 20).png().toBuffer(), 'b.png': await picture(20, 31).png().toBuffer() }, { 'a.png': [], 'b.png': [] });
  const { summary } = await run(root, colours);
  assert.deepEqual([...counts(summary), summary.device], ['done', 2, 0, 0, 0, '']);
  const { width, height, data } = await labels(root, 'b.mask.png');
  assert.deepEqual([width, height, data.every(id => id === 0)], [20, 31, true]);
});

test('no tags at all, no photos, photos that are not there: said, and nothing is written', async t => {
  const untagged = await taggedFolder(t, { 'a.png': await picture(30, 20, 'red').png().toBuffer() }, {});
  const { summary } = await run(untagged, colours);
  assert.deepEqual([...counts(summary), summary.untagged], ['done', 0, 0, 0, 0, 1]);
  assert.match(summary.notes.join('\n'), /has tags/);
  const empty = await run(await taggedFolder(t, {}, {}), colours);
  assert.equal(empty.summary.state, 'failed');
  assert.match(empty.summary.error ?? '', /no photos/);
  const missing = await run(untagged, colours, { photos: ['gone.png'] });
  assert.deepEqual(missing.summary.failed.map(({ photo }) => photo), ['gone.png']);
  assert.equal((await masksIn(untagged)).size, 0);
});

test('the same stem twice, other scripts, spaces and percent signs', async t => {
  const red = await picture(40, 30, 'red').png().toBuffer();
  const names = ['Пёс 1.png', '犬/写真.png', 'Zoë’s photo.png', '100%.png', 'a.b.c.png'];
  const files = Object.fromEntries([...names, 'twice.png'].map(name => [name, red]));
  const root = await taggedFolder(t, { ...files, 'twice.jpg': await picture(50, 30, 'red').jpeg().toBuffer() }, Object.fromEntries([...names, 'twice.png', 'twice.jpg'].map(name => [name, ['red']])));
  const { summary } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 7, 0, 0, 0]);
  assert.deepEqual([...(await masksIn(root)).keys()].sort(), [...names.map(name => name.replace(/\.png$/, '.mask.png')), 'twice.jpg.mask.png', 'twice.png.mask.png'].sort());
  assert.equal((await labels(root, 'twice.jpg.mask.png')).width, 50);
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 0, 0, 7, 0]);
});

test('twins that differ by case alone are refused, naming each other; the others go on', async t => {
  const red = await picture(40, 30, 'red').png().toBuffer();
  const root = await taggedFolder(t, { 'a.png': red, 'A.png': red, 'b.png': red }, { 'a.png': ['red'], 'A.png': ['red'], 'b.png': ['red'] });
  if ((await filesIn(root)).filter(name => /^a\.png$/i.test(name)).length < 2) return t.skip('this file system takes both names for one');
  const { summary } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 1, 0, 0, 2]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]).sort(), [['A.png', 'refused-path'], ['a.png', 'refused-path']]);
  assert.match(summary.failed[0].message, /a\.png/i);
});

test('more than 254 classes are refused before anything is written', async t => {
  const tags: Tags = { 'a.png': Array.from({ length: 255 }, (_, i) => `class ${i}`) };
  const root = await taggedFolder(t, { 'a.png': await picture(30, 20, 'red').png().toBuffer() }, tags);
  const { summary } = await run(root, colours);
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /255 classes.*254/);
  assert.deepEqual((await filesIn(root)).filter(name => /\.mask\.png$|classes\.json$/.test(name)), []);
});

test('a class that too few photos show and ImageNet does not know is named', async t => {
  const root = await colourFolder(t);
  const { summary } = await run(root, colours);
  assert.deepEqual(summary.notes, []);
  const rare = await colourFolder(t, { 'green.png': await picture(60, 40, 'green').png().toBuffer() }, { 'green.png': ['green'] });
  const noted = await run(rare, colours);
  assert.deepEqual(noted.summary.notes, ["class 'green': only 1 photo and no start from ImageNet: expect poor masks"]);
  assert.equal(noted.summary.written, 7);
});
