import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanRelativePath, folderOf, isInside, printable, staysInside, stemOf } from '../../../src/dataset/paths';
import { tempFolder } from './temp';

test('ways out are refused, each with the rule it breaks', () => {
  const ways = ['../../x.jpg', 'a/../../x.jpg', '..', '/etc/passwd', '//server/share/x', '\\\\server\\share', 'C:/x.jpg', 'C:\\x.jpg', 'c:x.jpg', 'a\\b.jpg',
    '%2e%2e/x.jpg', '..%2fx.jpg', '%252e%252e%252fx.jpg', 'a%5c..%5cx', '%2Fetc', 'file:///etc/passwd', 'https://x.org/a.jpg', 'a\0.jpg', 'a%00.jpg', '~/x.jpg', '', '.', 'x'.repeat(5000)];
  for (const way of ways) assert.ok('refused' in cleanRelativePath(way), way);
  assert.deepEqual(cleanRelativePath('a/../x.jpg'), { refused: "holds '..'" });
});

test('ordinary names pass, percent signs included', () => {
  for (const [name, clean] of [['a.jpg', 'a.jpg'], ['./a//b.jpg', 'a/b.jpg'], ['100%.jpg', '100%.jpg'], ['a%20b%2ejpg', 'a%20b%2ejpg'], ['..a/b..jpg', '..a/b..jpg'], ['日本/é.jpg', '日本/é.jpg']]) {
    assert.deepEqual(cleanRelativePath(name), { path: clean });
  }
});

test('links that lead out are refused, also for files that are not there yet', async t => {
  const outside = await tempFolder(t, { 'x.jpg': '' });
  const root = await tempFolder(t, { 'real/a.jpg': '' });
  await symlink(outside, join(root, 'out'));
  await symlink(join(root, 'real'), join(root, 'in'));
  await symlink(join(outside, 'missing.jpg'), join(root, 'dangling.jpg'));
  for (const path of ['out/x.jpg', 'out/new/y.jpg', 'dangling.jpg']) assert.equal(await staysInside(root, join(root, path)), false, path);
  for (const path of ['in/new.jpg', 'real/a.jpg', 'missing/b.jpg']) assert.equal(await staysInside(root, join(root, path)), true, path);
});

test('whatever is let through lies inside', () => {
  const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', '%2e', '\\', 'C:', '~'), fc.string({ maxLength: 4 }));
  fc.assert(fc.property(fc.array(part, { maxLength: 5 }), parts => {
    const clean = cleanRelativePath(parts.join('/'));
    if ('path' in clean) assert.ok(isInside('/data/set', join('/data/set', clean.path)) && join('/data/set', clean.path) !== '/data/set');
  }), { numRuns: 500 });
});

test('small helpers', () => {
  assert.deepEqual(['a/b.tar.gz', '.x', 'noext', 'd.d/e'].map(stemOf), ['b.tar', '.x', 'noext', 'e']);
  assert.deepEqual(['a/b/c', 'c'].map(folderOf), ['a/b', '']);
  assert.equal(printable('a\n\u202eb'), 'a\\u{a}\\u{202e}b');
});
