import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCocoJson } from '../../../src/dataset/tags/cocoJson';
import { readTagsCsv } from '../../../src/dataset/tags/tagsCsv';
import type { TagList } from '../../../src/dataset/tags/tagList';
import { readTagsTxt } from '../../../src/dataset/tags/tagsTxt';
import { readVocXml } from '../../../src/dataset/tags/vocXml';
import { decodeText, parseJson, readText } from '../../../src/dataset/textFile';
import { tempFolder } from './temp';

const plain = (list: TagList | undefined): Record<string, string[]> => Object.fromEntries(list?.tags ?? []);
const csv = (text: string): Record<string, string[]> => plain(readTagsCsv(text, 'tags.csv', '/'));

test('CSV: separators, quotes, line ends, headers', () => {
  const cat = { 'a.jpg': ['cat', 'dog'], 'b.jpg': ['cow'] };
  for (const text of [
    'a.jpg,cat,dog\nb.jpg,cow\n', 'a.jpg,cat;dog\r\nb.jpg,cow', 'a.jpg;cat,dog\nb.jpg;cow', 'a.jpg\tcat|dog\nb.jpg\tcow\n', 'a.jpg\tcat\tdog\nb.jpg\tcow\t\n',
    'file,tags\n"a.jpg","cat, dog"\n\n b.jpg , cow \n', 'tags;filename\ncat,dog;a.jpg\ncow;b.jpg', 'no,split,label,filename\n1,train,cat|dog,a.jpg\n2,val,cow,b.jpg',
    'filename,cat,cow,dog\na.jpg,1,0,1\nb.jpg,0,1,0\n', 'sep=;\na.jpg;cat;dog\nb.jpg;cow', 'image,label\na.jpg,cat\nb.jpg,cow\na.jpg,dog\na.jpg,dog',
  ]) assert.deepEqual(csv(text), cat, text);
  assert.deepEqual(csv('"a,b ""c"".jpg",x'), { 'a,b "c".jpg': ['x'] });
  assert.deepEqual(csv(''), {});
});

test('CSV: trouble is reported with its line', () => {
  assert.throws(() => csv('a.jpg,"cat\nb.jpg,dog\n'), { reason: 'bad-tags', file: 'tags.csv', message: /line \d/ });
  assert.deepEqual(readTagsCsv('a.jpg,x\n,y\na.jpg,z', 'tags.csv', '/').notes, [
    'tags.csv: line 2: names no file', 'tags.csv: 1 rows name a file again; the tags of its rows are put together']);
});

test('CSV: what a careful writer quotes is read back', () => {
  const cell = fc.string({ minLength: 1, maxLength: 8 }).map(s => s.replace(/[;,|\p{Cc}]/gu, '_').trim().normalize('NFC')).filter(s => s !== '' && s.toLowerCase() !== 'background');
  const quote = (s: string): string => `"${s.replaceAll('"', '""')}"`;
  fc.assert(fc.property(fc.uniqueArray(cell, { minLength: 1, maxLength: 5 }), fc.uniqueArray(cell, { maxLength: 4 }), fc.constantFrom(',', ';', '\t'), (files, tags, sep) => {
    const text = `filename${sep}tags\n` + files.map(file => [file, tags.join('|')].map(quote).join(sep)).join('\r\n');
    assert.deepEqual([...readTagsCsv(text, '', '/').tags], files.map(file => [file, tags]));
  }));
});

test('text by its byte order mark, or without one', () => {
  const text = 'é.jpg,Größe\n';
  for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), Buffer.from(text, 'latin1')]) {
    assert.equal(decodeText(bytes), text);
  }
  assert.equal(decodeText(Buffer.from('a.jpg', 'utf16le')), 'a.jpg');
});

test('VOC XML: objects, entities of XML itself, nothing else', () => {
  const object = (name: string): string => `<object><name>${name}</name><part><name>head</name></part></object>`;
  assert.deepEqual(readVocXml(`<?xml version="1.0"?><annotation>${object('cat')}${object('M&amp;M &#x41;&#66;')}</annotation>`, ''), ['cat', 'M&M AB']);
  assert.deepEqual(readVocXml(`<annotation>${object('007')}</annotation>`, ''), ['007']);
  assert.deepEqual(readVocXml('<annotation><size/></annotation>', ''), []);
  assert.deepEqual(readVocXml('<annotation/>', ''), []);
});

test('VOC XML: bombs, document types, entities, damage and depth are refused', () => {
  const bomb = '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><annotation><object><name>&b;</name></object></annotation>';
  const external = '<!DocType a SYSTEM "file:///etc/passwd"><annotation/>';
  for (const text of [bomb, external, '<annotation><object><name>&b;</name></object></annotation>', '<annotation><object>', 'not xml', '<other/>', '',
    '<annotation><object><box/></object></annotation>', `<annotation>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</annotation>`]) {
    assert.throws(() => readVocXml(text, 'a.xml'), { reason: 'bad-tags', file: 'a.xml' }, text.slice(0, 60));
  }
});

test('COCO: categories by annotation, gaps, doubles, strays; captions are none of it', () => {
  const coco = {
    images: [{ id: 1, file_name: 'a.jpg' }, { id: '2', file_name: 'b.jpg' }, { id: 1, file_name: 'c.jpg' }],
    categories: [{ id: 90, name: 'cat' }, { id: 3, name: 'dog' }],
    annotations: [{ image_id: 1, category_id: 90, segmentation: [[1.5, 2]], iscrowd: 1 }, { image_id: 1, category_id: 90 }, { image_id: 1, category_id: 3 }, { image_id: 9, category_id: 3 }, { image_id: 2, category_id: 4 }],
  };
  const list = readCocoJson(coco, 'i.json', '/');
  assert.deepEqual(plain(list), { 'a.jpg': ['cat', 'dog'], 'b.jpg': [] });
  assert.equal(list?.notes.length, 3);
  assert.equal(readCocoJson({ images: coco.images, annotations: [{ image_id: 1, caption: 'x' }] }, '', '/'), undefined);
  assert.equal(readCocoJson({ ...coco, annotations: [] }, '', '/'), undefined);
  assert.equal(readCocoJson([], '', '/'), undefined);
});

test('text files: lines or separators; rows of numbers are not names', () => {
  assert.deepEqual(readTagsTxt('cat\r\n dog ; cow\n\n', ''), ['cat', 'dog', 'cow']);
  assert.deepEqual(readTagsTxt('potted plant', ''), ['potted plant']);
  assert.throws(() => readTagsTxt('0 0.5 0.5 0.25 0.25\n', 'a.txt'), { reason: 'bad-tags', file: 'a.txt', message: /YOLO/ });
});

test('JSON: the place of an error, depth and size limits', async t => {
  const failsAt = (text: string, place: RegExp): void => assert.throws(() => parseJson(text, 'tags.json'), { reason: 'bad-tags', file: 'tags.json', message: place });
  failsAt('{\n  "a": [1,\n  NaN]}', /line 3, column 3/);
  failsAt('{"a" 1}', /line 1, column 6/);
  failsAt('{"a": "x', /line 1, column [79]/);
  failsAt('', /line 1, column 1/);
  failsAt('['.repeat(1_000_000), /deeper than 32 levels.*column 33/);
  assert.deepEqual(parseJson(`{"${'['.repeat(100)}\\"": [[]]}`, ''), { [`${'['.repeat(100)}"`]: [[]] });
  const root = await tempFolder(t, { 'tags.json': '' });
  await truncate(join(root, 'tags.json'), 500_000_000);
  await assert.rejects(readText(join(root, 'tags.json'), 64_000_000, 'tags.json'), { reason: 'bad-tags', message: /500\.0 MB; the limit is 64 MB/ });
});
