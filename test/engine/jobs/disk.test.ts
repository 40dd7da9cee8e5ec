/**
 * Disks that are full or cannot be written: one message that says so, nothing half written, what was there before intact, and a run that can be
 * resumed. The full disk is a small real one (a mounted tmpfs), where the test may mount; the read-only folders are real too, seen by an
 * ordinary user.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { lastUnfinished } from '../../../src/dataset/runs';
import { SeedMaskError } from '../../../src/shared/errors';
import type { EngineEvent } from '../../../src/shared/protocol';
import { colourFolder, copyOf, counts, filesIn, leftovers, masksIn, picture, run, saveColours } from './folders';

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  await chmod(models, 0o755);
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

const atMasks = (event: EngineEvent): boolean => event.type === 'progress' && event.stage === 'masks' && event.done === 0;

/** The colour folder on a disk of 4 MB, or undefined where this test may not mount one. */
async function smallDisk(t: TestContext): Promise<string | undefined> {
  const disk = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'seedmask-test', disk]).status === 0;
  t.after(async () => {
    if (mounted) spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });
  if (!mounted) return undefined;
  await cp(await colourFolder(t), disk, { recursive: true });
  return disk;
}

/** Takes what space is left. */
function fill(disk: string): void {
  const file = openSync(join(disk, 'filler'), 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}

const free = (disk: string): void => rmSync(join(disk, 'filler'));

test('the disk fills up while masks are made: one message, old masks whole, and the rest by resuming', async t => {
  const disk = await smallDisk(t);
  if (disk === undefined) return t.skip('a small disk cannot be mounted here');
  const reference = await copyOf(t, disk, 'photos');
  await run(reference, colours);
  // An older mask, of other parameters.
  await run(disk, colours, { settings: { crf: 'off' }, photos: ['red1.png'] });
  const old = await readFile(join(disk, 'red1.mask.png'));

  const { summary } = await run(disk, colours, { onEvent: event => atMasks(event) && fill(disk) });
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /the disk is full/);
  assert.deepEqual([summary.written, summary.failed.length], [0, 0]);
  assert.deepEqual([...(await masksIn(disk))], [['red1.mask.png', old]]);
  assert.deepEqual(await leftovers(disk), []);
  assert.equal((await lastUnfinished(disk))?.summary.id, summary.id);

  free(disk);
  assert.deepEqual(counts((await run(disk, undefined, { resume: true })).summary), ['done', 6, 0, 0, 0]);
  assert.deepEqual(await masksIn(disk), await masksIn(reference));
});

test('a disk that is full from the start: said at once, and forgotten once there is room', async t => {
  const disk = await smallDisk(t);
  if (disk === undefined) return t.skip('a small disk cannot be mounted here');
  fill(disk);
  await assert.rejects(run(disk, colours), (error: unknown) => error instanceof SeedMaskError && error.reason === 'disk-full');
  free(disk);
  assert.deepEqual(counts((await run(disk, colours)).summary), ['done', 6, 0, 0, 0]);
});

test('features that do not fit are not kept, and that is all', async t => {
  const root = await colourFolder(t);
  assert.deepEqual(counts((await run(root, colours, { settings: { cacheLimitMb: 0.02 } })).summary), ['done', 6, 0, 0, 0]);
  const kept = (await filesIn(root)).filter(name => name.endsWith('.f16')).length;
  assert.ok(kept < 6, `${kept} kept`);
});

/** `body` as a user to whom permissions apply. */
async function asOrdinaryUser<T>(body: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    return await body();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** `body` while nothing can be made in `folder`. */
async function withReadOnly<T>(folder: string, body: () => Promise<T>): Promise<T> {
  await chmod(folder, 0o555);
  try {
    return await asOrdinaryUser(body);
  } finally {
    await chmod(folder, 0o777);
  }
}

const NO_MODES = { skip: process.platform === 'win32' && 'no POSIX modes' };

test('a read-only folder: a clear error that names it, and nothing happens', NO_MODES, async t => {
  const root = await colourFolder(t);
  const before = await filesIn(root);
  await assert.rejects(withReadOnly(root, () => run(root, colours)), (error: unknown) => {
    assert.ok(error instanceof SeedMaskError && error.reason === 'not-writable', String(error));
    assert.ok(error.file?.startsWith(root));
    return true;
  });
  assert.deepEqual(await filesIn(root), before);
});

test('a read-only folder inside: its photos fail with the reason, the others have masks, and writable it is done', NO_MODES, async t => {
  const inside = await picture(60, 40, 'red').png().toBuffer();
  const root = await colourFolder(t, { 'sub/a.png': inside, 'sub/b.png': inside }, { 'sub/a.png': ['red'], 'sub/b.png': [] });
  await chmod(root, 0o777);
  const { summary } = await withReadOnly(join(root, 'sub'), () => run(root, colours));
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 2]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]).sort(), [['sub/a.png', 'not-writable'], ['sub/b.png', 'not-writable']]);
  assert.match(summary.failed[0].message, /sub\/\w\.mask\.png/);
  assert.deepEqual(counts((await asOrdinaryUser(() => run(root, colours))).summary), ['done', 2, 0, 6, 0]);
});

test('a photo that may not be read fails; the others are made', NO_MODES, async t => {
  const root = await colourFolder(t);
  await chmod(root, 0o777);
  await chmod(join(root, 'red1.png'), 0o000);
  const { summary } = await asOrdinaryUser(() => run(root, colours));
  assert.deepEqual(counts(summary), ['done', 5, 0, 0, 1]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['red1.png', 'io']]);
});

test('layers that cannot be kept cost no mask', NO_MODES, async t => {
  const root = await colourFolder(t);
  await run(root, colours, { photos: ['none.png'] });
  const blocked = join(root, '.seedmask/layers');
  await rm(blocked, { recursive: true, force: true });
  closeSync(openSync(blocked, 'w'));
  const { summary, events } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 5, 0, 1, 0]);
  assert.equal(events.filter(event => event.type === 'log' && event.level === 'warn' && /layers are not kept/.test(event.message)).length, 5);
});
