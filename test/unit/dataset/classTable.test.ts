import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClassTable, readClassTable, writeClassTable } from '../../../src/dataset/classTable';
import { cleanClassName } from '../../../src/dataset/className';
import { put, tempFolder } from './temp';

const entries = (table: ClassTable): string[] => table.classes.map(({ id, name }) => `${id} ${name}`);

test('a new data set: background, then names in code-unit order', async t => {
  const root = await tempFolder(t, { 'set/a.jpg': '' });
  const table = (await readClassTable(join(root, 'set'))).with(['dog', 'Ämter', 'cat', 'Cat', 'cat']);
  assert.deepEqual(entries(table), ['0 background', '1 Cat', '2 cat', '3 dog', '4 Ämter']);
  assert.equal(table.idOf('dog'), 3);
  assert.equal(table.nameOf(2), 'cat');
  assert.equal(table.idOf('cow'), undefined);
});

test('ids stay once they are written, whatever comes later', async t => {
  const root = await tempFolder(t, { 'set/a.jpg': '' });
  const set = join(root, 'set');
  await writeClassTable(set, (await readClassTable(set)).with(['m', 'z']));
  assert.deepEqual(JSON.parse(await readFile(join(set, '.seedmask/classes.json'), 'utf8')), {
    classes: [{ id: 0, name: 'background' }, { id: 1, name: 'm' }, { id: 2, name: 'z' }] });
  await put(set, { 'classes.json': '["background", "z", "m"]' });
  assert.deepEqual(entries((await readClassTable(set)).with(['a', 'z'])), ['0 background', '1 m', '2 z', '3 a']);
});

test("a data set's own classes.json gives the first ids: list or table, at the root or above", async t => {
  const root = await tempFolder(t, { 'classes.json': '["Background", "dog", "cat"]', 'images/a.jpg': '' });
  for (const folder of [root, join(root, 'images')]) assert.deepEqual(entries(await readClassTable(folder)), ['0 background', '1 dog', '2 cat']);
  await put(root, { 'images/classes.json': '{"classes":[{"id":200,"name":"cat"},{"id":0,"name":"background"}]}' });
  assert.deepEqual(entries((await readClassTable(join(root, 'images'))).with(['dog'])), ['0 background', '200 cat', '201 dog']);
});

test('damaged tables stop the run: ids are never guessed', async t => {
  const root = await tempFolder(t, { 'set/x': '' });
  const set = join(root, 'set');
  const damaged = ['{', '{"classes":', '{}', '["dog","cat"]', '["background","a","a"]', '{"classes":[{"id":1,"name":"a"},{"id":1,"name":"b"}]}',
    '{"classes":[{"id":255,"name":"a"}]}', '{"classes":[{"id":1.5,"name":"a"}]}', '{"classes":[{"id":2,"name":"background"}]}', '["background","\\u0000"]'];
  for (const text of damaged) {
    await put(set, { '.seedmask/classes.json': text });
    await assert.rejects(readClassTable(set), { reason: 'bad-tags', file: '.seedmask/classes.json' }, text);
  }
});

test('254 classes fit, one more does not', () => {
  const names = Array.from({ length: 255 }, (_, i) => `class ${i}`);
  const full = ClassTable.of([], '').with(names.slice(0, 254));
  assert.deepEqual(new Set(full.classes.map(entry => entry.id)), new Set(Array.from({ length: 255 }, (_, i) => i)));
  assert.throws(() => full.with([names[254]]), { reason: 'too-many-classes', message: /255 classes/ });
  const gap = ClassTable.of([{ id: 254, name: 'last' }], '').with(names.slice(0, 253));
  assert.equal(gap.classes.length, 255);
});

test('growing a table never changes what it says', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }).filter(name => !['background'].includes(name.toLowerCase())), { maxLength: 30 });
  fc.assert(fc.property(names, names, (first, second) => {
    const table = ClassTable.of([], '').with(first);
    const grown = table.with(second);
    for (const { id, name } of table.classes) assert.equal(grown.idOf(name), id);
    assert.equal(new Set(grown.classes.map(entry => entry.id)).size, grown.classes.length);
    for (const name of second) assert.notEqual(grown.idOf(name), undefined);
  }));
});

test('class names: trimmed, NFC, case kept; control characters, nothing and novels refused', () => {
  assert.deepEqual(cleanClassName('  Cafe\u0301 '), { name: 'Caf\u00e9' });
  for (const name of ['a/b', '<script>alert(1)</script>', '😀', 'שלום', 'x'.repeat(200)]) assert.deepEqual(cleanClassName(name), { name });
  for (const name of ['', ' \t', 'a\nb', 'a\0', 'x'.repeat(201), 'x'.repeat(10_000)]) assert.ok('refused' in cleanClassName(name), name);
});
