import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readTags, type TagReading } from '../../../src/dataset/tags/readTags';
import { scanPhotos } from '../../../src/dataset/scan';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { reference, sharedPath } from '../../shared';
import { tempFolder } from './temp';

const { backgroundNames, outputName } = DEFAULT_SETTINGS;

async function read(root: string, tagsFile?: string): Promise<TagReading> {
  const { photos } = await scanPhotos(root, { outputName });
  return readTags(root, photos, { tagsFile, backgroundNames });
}

/** Reads the tags of a data set in a folder of its own, so that nothing lies one folder up. */
async function tagsOf(t: TestContext, files: Record<string, string | Uint8Array>, photos: string[]): Promise<TagReading & { plain: Record<string, string[]> }> {
  const root = await tempFolder(t, Object.fromEntries([...photos.map(photo => [`set/${photo}`, '']), ...Object.entries(files).map(([path, text]) => [`set/${path}`, text])]));
  const reading = await read(join(root, 'set'));
  return { ...reading, plain: Object.fromEntries(reading.tags) };
}

const voc = (...names: string[]): string => `<annotation><filename>x.jpg</filename>${names.map(n => `<object><name>${n}</name><bndbox><xmin>1</xmin></bndbox></object>`).join('')}</annotation>`;

test('precedence: each photo by the first source that names it, conflicts listed', async t => {
  const reading = await tagsOf(t, {
    'tags.json': '{"1.jpg": ["json"]}', 'tags.csv': '1.jpg,csv\n2.jpg,csv\n', 'tags.tsv': '2.jpg\ttsv\n3.jpg\ttsv\n', 'Annotations/4.xml': voc('xml'), '3.xml': voc('xml'),
    'instances.json': JSON.stringify({ images: [{ id: 1, file_name: '5.jpg' }, { id: 2, file_name: '4.jpg' }], categories: [{ id: 7, name: 'coco' }], annotations: [{ image_id: 1, category_id: 7 }, { image_id: 2, category_id: 7 }] }),
    '6.txt': 'txt\n', '5.txt': 'txt',
  }, ['1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg', '6.jpg', 'cat/7.jpg']);
  assert.deepEqual(reading.plain, { '1.jpg': ['json'], '2.jpg': ['csv'], '3.jpg': ['tsv'], '4.jpg': ['xml'], '5.jpg': ['coco'], '6.jpg': ['txt'] });
  assert.equal(reading.source, 'tags.json, tags.csv, tags.tsv, VOC XML, instances.json, text files');
  assert.deepEqual(reading.notes.filter(note => /the first counts/.test(note)).map(note => note.slice(0, 5)), ['1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg']);
  assert.ok(reading.notes.includes('1.jpg: tags.json says json, tags.csv says csv; the first counts'));
});

test('a file that the person named wins; if it is missing or damaged, nothing is guessed', async t => {
  const root = await tempFolder(t, { 'a.jpg': '', 'b.jpg': '', 'tags.json': '{"a.jpg": "x", "b.jpg": "x"}', 'mine/own.csv': '../a.jpg,no\na.jpg,mine', 'broken.json': '[1' });
  const reading = await read(root, join(root, 'mine/own.csv'));
  assert.deepEqual(Object.fromEntries(reading.tags), { 'a.jpg': ['mine'], 'b.jpg': ['x'] });
  assert.equal(reading.source, 'own.csv, tags.json');
  await assert.rejects(read(root, join(root, 'none.json')), { reason: 'removed', file: 'none.json' });
  await assert.rejects(read(root, join(root, 'broken.json')), { reason: 'bad-tags', file: 'broken.json' });
  await assert.rejects(read(root, join(root, 'a.jpg')), { reason: 'bad-tags' });
});

test('empty on purpose is not the same as untagged', async t => {
  const json = await tagsOf(t, { 'tags.json': '{"a.jpg": [], "b.jpg": ["background"], "c.jpg": null}' }, ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
  assert.deepEqual(json.plain, { 'a.jpg': [], 'b.jpg': [] });
  const csv = await tagsOf(t, { 'tags.csv': 'file,tags\na.jpg,\nb.jpg\nc.jpg,""\n' }, ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
  assert.deepEqual(csv.plain, { 'a.jpg': [], 'b.jpg': [], 'c.jpg': [] });
  const rest = await tagsOf(t, { 'a.xml': voc(), 'b.txt': '\n' }, ['a.jpg', 'b.jpg', 'c.jpg']);
  assert.deepEqual(rest.plain, { 'a.jpg': [], 'b.jpg': [] });
});

test('folder names: the nearest telling folder, background folders, and nothing from names of parts', async t => {
  const { plain, source } = await tagsOf(t, {}, ['train/cat/1.jpg', 'val/dog/images/2.jpg', 'train/Good/3.jpg', 'images/4.jpg', 'masks/4.png', '5.jpg', 'animals/cat/6.jpg', 'SegmentationClass/7.png']);
  assert.deepEqual(plain, { 'train/cat/1.jpg': ['cat'], 'val/dog/images/2.jpg': ['dog'], 'train/Good/3.jpg': [], 'animals/cat/6.jpg': ['cat'] });
  assert.equal(source, 'folder names');
  assert.equal((await tagsOf(t, {}, ['images/1.jpg'])).source, 'none');
});

test('a damaged source is refused by name; folder names do not step in for it', async t => {
  const reading = await tagsOf(t, { 'tags.json': '{"a.jpg": ["x"],\n  "b.jpg": NaN}' }, ['cat/a.jpg']);
  assert.deepEqual(reading.plain, {});
  assert.deepEqual(reading.notes, ['tags.json: is not valid JSON (line 2, column 12); refused']);
});

test('keys: paths, bare names where only one photo has them, photos before true masks, another Unicode form', async t => {
  const { plain, notes } = await tagsOf(t, {
    'tags.json': JSON.stringify({ 'x/1.jpg': ['path'], '2.png': ['bare'], 'same.jpg': ['?'], '3': ['stem'], 'sub/./4.jpg': ['dot'], 'caf\u00e9.jpg': ['nfc'], 'val/5.jpg': ['other folder'], 'up/z/6.jpg': ['from above'] }),
  }, ['x/1.jpg', 'y/1.jpg', 'images/2.png', 'masks/2.png', 'x/same.jpg', 'y/same.jpg', 'images/3.jpeg', 'sub/4.jpg', 'x/cafe\u0301.jpg', 'train/5.jpg', 'z/6.jpg']);
  assert.deepEqual(plain, { 'x/1.jpg': ['path'], 'images/2.png': ['bare'], 'images/3.jpeg': ['stem'], 'sub/4.jpg': ['dot'], 'x/cafe\u0301.jpg': ['nfc'], 'z/6.jpg': ['from above'] });
  assert.deepEqual(notes, ['tags.json: 1 name fits several photos: same.jpg may be x/same.jpg or y/same.jpg', 'tags.json: 1 entry names no photo here: val/5.jpg']);
});

test('paths out of the root are refused by name and the rest goes on', async t => {
  const bad = ['../../x.jpg', '/etc/passwd', 'C:\\x.jpg', '\\\\server\\a.jpg', 'a\\a.jpg', '%2e%2e/a.jpg', 'a.jpg\0'];
  const { plain, notes } = await tagsOf(t, { 'tags.json': JSON.stringify(Object.fromEntries([...bad.map(key => [key, ['x']]), ['a.jpg', ['cat']]])) }, ['a.jpg', 'x.jpg']);
  assert.deepEqual(plain, { 'a.jpg': ['cat'] });
  assert.match(notes[0], /7 paths refused: '\.\.\/\.\.\/x\.jpg' holds '\.\.'/);
});

test('tags one folder up serve a folder of photos that has none; what it has comes first', async t => {
  const root = await tempFolder(t, { 'images/a.jpg': '', 'images/cat/b.jpg': '', 'tags.json': '{"a.jpg": ["x"], "images/cat/b.jpg": ["y"]}' });
  const reading = await read(join(root, 'images'));
  assert.deepEqual(Object.fromEntries(reading.tags), { 'a.jpg': ['x'], 'cat/b.jpg': ['y'] });
  assert.equal(reading.source, '../tags.json');
  const own = await tempFolder(t, { 'images/a.jpg': '', 'images/a.txt': 'own', 'tags.csv': 'a.jpg,above' });
  assert.deepEqual((await read(join(own, 'images'))).tags.get('a.jpg'), ['own']);
});

test('links to sources outside are refused', async t => {
  const outside = await tempFolder(t, { 'tags.json': '{"a.jpg": ["secret"]}', 'a.xml': voc('secret') });
  const root = await tempFolder(t, { 'set/cat/a.jpg': '' });
  await symlink(join(outside, 'tags.json'), join(root, 'set/tags.json'));
  await symlink(join(outside, 'a.xml'), join(root, 'set/cat/a.xml'));
  const reading = await read(join(root, 'set'));
  assert.equal(reading.tags.size, 0);
  assert.match(reading.notes.join('\n'), /tags\.json: a link leads out.*\n.*cat\/a\.xml: a link leads out/);
});

test('names of all sorts: prototypes, scripts, doubles, control characters', async t => {
  const { plain, notes } = await tagsOf(t, {
    'tags.json': '{"__proto__": ["x"], "constructor": ["y"], "a.jpg": ["__proto__", "<script>", " cat ", "cat", "a\\u0007b"], "b.jpg": [1], "c.jpg": {"cat": true}}',
  }, ['a.jpg', 'b.jpg', 'c.jpg', '__proto__.jpg']);
  assert.deepEqual(plain['a.jpg'], ['__proto__', '<script>', 'cat']);
  assert.deepEqual(plain['__proto__.jpg'], ['x']);
  assert.ok(notes.some(note => note.includes('control characters')) && notes.some(note => note.startsWith('tags.json: b.jpg')) && notes.some(note => note.startsWith('tags.json: c.jpg')));
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test('the reference data set', reference('data/voc/tags.json'), async () => {
  const root = sharedPath('data/voc');
  const reading = await read(root);
  assert.equal(reading.source, 'tags.json');
  assert.ok([...reading.tags.keys()].every(photo => photo.startsWith('images/')));
  assert.deepEqual((await read(join(root, 'images'))).tags.size, reading.tags.size);
});
