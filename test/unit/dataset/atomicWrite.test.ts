import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmod, lstat, open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { atomicWrite, removeOrphans, type WriteCalls } from '../../../src/dataset/atomicWrite';
import { makeFolderFor } from '../../../src/dataset/folder';
import { tempFolder } from './temp';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Real calls, except that writing fails as it would on a full disk, after half of the bytes. */
function diskFull(at: 'write' | 'close'): WriteCalls {
  return {
    rename,
    open: async (path, flags, mode) => {
      const handle = await open(path, flags, mode);
      return {
        writeFile: async data => {
          await handle.writeFile(at === 'write' ? String(data).slice(0, 2) : (data as string));
          if (at === 'write') throw failure('ENOSPC');
        },
        sync: () => handle.sync(),
        close: async () => {
          await handle.close();
          if (at === 'close') throw failure('ENOSPC');
        },
      };
    },
  };
}

test('new and old files are written whole, with nothing left beside them', async t => {
  const root = await tempFolder(t);
  const file = join(root, 'a.mask.png');
  await atomicWrite(file, 'one');
  await atomicWrite(file, Uint8Array.of(1, 2), { fsync: true });
  assert.deepEqual([...(await readFile(file))], [1, 2]);
  assert.deepEqual(await readdir(root), ['a.mask.png']);
});

test('the mode of the old file is kept', { skip: process.platform === 'win32' && 'no POSIX modes' }, async t => {
  const root = await tempFolder(t, { a: 'old' });
  await chmod(join(root, 'a'), 0o640);
  await atomicWrite(join(root, 'a'), 'new');
  assert.equal((await stat(join(root, 'a'))).mode & 0o777, 0o640);
});

test('disk full, at write or at close: the old file is whole, no empty file, no temp', async t => {
  const root = await tempFolder(t, { a: 'old' });
  for (const at of ['write', 'close'] as const) {
    for (const name of ['a', 'new']) {
      await assert.rejects(atomicWrite(join(root, name), 'bytes', { calls: diskFull(at) }), { reason: 'disk-full', file: join(root, name) });
    }
  }
  assert.deepEqual(await readdir(root), ['a']);
  assert.equal(await readFile(join(root, 'a'), 'utf8'), 'old');
});

test('a file that another program holds is tried again, then given up', async t => {
  const root = await tempFolder(t, { a: 'old' });
  let tries = 0;
  const held = (times: number, code: string): WriteCalls => ({
    open,
    rename: async (from, to) => {
      if (tries++ < times) throw failure(code);
      await rename(from, to);
    },
  });
  await atomicWrite(join(root, 'a'), 'new', { calls: held(3, 'EBUSY') });
  assert.equal(tries, 4);
  assert.equal(await readFile(join(root, 'a'), 'utf8'), 'new');
  tries = 0;
  await assert.rejects(atomicWrite(join(root, 'a'), 'newer', { calls: held(Infinity, 'EPERM') }), { reason: 'not-writable' });
  assert.equal(tries, 8);
  assert.equal(await readFile(join(root, 'a'), 'utf8'), 'new');
  assert.deepEqual(await readdir(root), ['a']);
});

test('read-only folder or disk, missing folder: said as such', async t => {
  const root = await tempFolder(t);
  for (const [code, reason] of [['EACCES', 'not-writable'], ['EROFS', 'not-writable'], ['EIO', 'io']]) {
    await assert.rejects(atomicWrite(join(root, 'a'), '', { calls: { rename, open: () => Promise.reject(failure(code)) } }), { reason });
  }
  await assert.rejects(atomicWrite(join(root, 'none', 'a'), ''), { reason: 'removed' });
});

test('a folder that really is read-only, with a writable mask in it', { skip: process.platform === 'win32' && 'no POSIX modes' }, async t => {
  const root = await tempFolder(t, { 'a.mask.png': 'old' });
  await chmod(join(root, 'a.mask.png'), 0o666);
  await chmod(root, 0o555);
  const wasRoot = process.geteuid?.() === 0;
  if (wasRoot) process.seteuid?.(65534);
  try {
    await assert.rejects(atomicWrite(join(root, 'a.mask.png'), 'new'), { reason: 'not-writable' });
    await assert.rejects(makeFolderFor(join(root, '.seedmask/runs/x')), { reason: 'not-writable' });
  } finally {
    if (wasRoot) process.seteuid?.(0);
    await chmod(root, 0o755);
  }
  assert.equal(await readFile(join(root, 'a.mask.png'), 'utf8'), 'old');
  assert.deepEqual(await readdir(root), ['a.mask.png']);
});

test('a link in the place of a mask: followed inside, refused outside', async t => {
  const outside = await tempFolder(t, { theirs: 'theirs' });
  const root = await tempFolder(t, { 'real/a': 'old' });
  await symlink(join(root, 'real/a'), join(root, 'in'));
  await symlink(join(outside, 'theirs'), join(root, 'out'));
  await symlink(join(outside, 'missing'), join(root, 'broken'));
  await atomicWrite(join(root, 'in'), 'new', { root });
  assert.equal(await readFile(join(root, 'real/a'), 'utf8'), 'new');
  assert.ok((await lstat(join(root, 'in'))).isSymbolicLink());
  for (const name of ['out', 'broken']) await assert.rejects(atomicWrite(join(root, name), 'new', { root }), { reason: 'refused-path' });
  assert.equal(await readFile(join(outside, 'theirs'), 'utf8'), 'theirs');
  assert.deepEqual(await readdir(outside), ['theirs']);
});

test('kill -9 between temp and rename: the old mask is whole and the orphan goes at the next start', async t => {
  const root = await tempFolder(t, { 'a.png': 'old' });
  const writer = join(import.meta.dirname, 'stuckWriter.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', writer, join(root, 'a.png')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.equal(await removeOrphans(root), 0, 'the writer lives: hands off');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await readFile(join(root, 'a.png'), 'utf8'), 'old');
  assert.equal((await readdir(root)).length, 2);
  assert.equal(await removeOrphans(root), 1);
  assert.deepEqual(await readdir(root), ['a.png']);
});

test('only our own temps of dead processes are orphans', async t => {
  const root = await tempFolder(t);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const names = ['.a.png.tmp', `.b.seedmask-${process.pid}-0123456789ab.tmp`, `c.seedmask-${dead}-0123456789ab.tmp`];
  for (const name of [...names, `.d.seedmask-${dead}-0123456789ab.tmp`]) await writeFile(join(root, name), '');
  assert.equal(await removeOrphans(root), 1);
  assert.deepEqual((await readdir(root)).sort(), names.sort());
  await rm(root, { recursive: true });
  assert.equal(await removeOrphans(root), 0);
});
