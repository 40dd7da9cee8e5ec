/** A run and a person at one data set, in two real processes: no line is lost, and no stroke. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sha256 } from '../../../src/dataset/hash';
import { baseBytes, isHeld, moveBase, setHolds } from '../../../src/dataset/holds';
import { Manifest } from '../../../src/dataset/manifest';
import { encodeMask } from '../../../src/dataset/maskFile';
import { decideMask, readMask, replaceMask, writeMask, type MaskPlace } from '../../../src/dataset/maskStore';
import { inTurn } from '../../../src/dataset/turn';
import { put, tempFolder } from './temp';

const PLACE = (root: string): MaskPlace => ({ root, photo: 'a.jpg', mask: 'a.mask.png' });
const maskOf = (id: number): Uint8Array => encodeMask({ data: new Uint8Array(4).fill(id), width: 2, height: 2 });
const making = (key: string) => ({ source: sha256('photo'), tags: [], key });
const MADE = { device: 'cpu', run: 'r' };

interface Other {
  child: ChildProcess;
  /** The next line it says. */
  said(): Promise<string>;
}

function other(t: TestContext, ...args: string[]): Other {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'otherWriter.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return {
    child,
    async said() {
      while (!text.includes('\n')) {
        if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      }
      const line = text.slice(0, text.indexOf('\n'));
      text = text.slice(line.length + 1);
      return line;
    },
  };
}

test('a person saves while a run writes the same mask again and again: the person\'s bytes stay', async t => {
  const root = await tempFolder(t, { 'a.jpg': 'photo' });
  const run = other(t, 'mask', root, 'a.jpg', '400');
  assert.equal(await run.said(), 'ready');
  const manifest = await Manifest.open(root);
  t.after(() => manifest.close());
  // The run is under way: there is a mask of its.
  while (!(await readMask(PLACE(root)))) await new Promise(resolve => setTimeout(resolve, 2));
  await inTurn(root, async () => {
    await manifest.refresh();
    assert.equal(manifest.get('a.jpg')?.state, 'auto');
    await replaceMask(PLACE(root), maskOf(7));
    await manifest.append({ ...making('mine'), photo: 'a.jpg', output: sha256(maskOf(7)), device: 'none', state: 'edited', origin: 'person', time: '', run: '' });
  });
  const counts = JSON.parse(await run.said()) as Record<string, number>;
  assert.deepEqual(new Uint8Array(await readFile(join(root, 'a.mask.png'))), maskOf(7));
  assert.ok(counts['written'] > 0 && counts['kept'] > 0, JSON.stringify(counts));
  assert.equal((await Manifest.read(root)).get('a.jpg')?.state, 'edited');
});

test('lines that two processes add at the same time are all there, also when one puts the file in order', async t => {
  const root = await tempFolder(t, { 'p.jpg': 'photo' });
  const others = [other(t, 'words', root, 'p.jpg', '150'), other(t, 'words', root, 'p.jpg', '150')];
  for (const one of others) assert.equal(await one.said(), 'ready');
  // A run that starts meanwhile: a damaged line makes it rewrite the file.
  await inTurn(root, async () => writeFile(join(root, '.seedmask/manifest.jsonl'), 'damaged\n', { flag: 'a' }));
  await (await Manifest.open(root)).close();
  for (const one of others) await one.said();
  const entries = await Manifest.read(root);
  assert.equal(entries.size, 150);
  assert.deepEqual([...entries.keys()].sort(), Array.from({ length: 150 }, (_, i) => `p.jpg${i}`).sort());
});

test('a manifest takes in lines of others: added, torn, rewritten, deleted', async t => {
  const root = await tempFolder(t, { 'a.jpg': 'photo' });
  const [mine, theirs, looking] = [await Manifest.open(root), await Manifest.open(root), await Manifest.follow(root)];
  t.after(() => Promise.all([mine.close(), theirs.close()]));
  const entry = (photo: string) => ({ ...making('k'), photo, output: sha256(photo), ...MADE, state: 'auto' as const, time: '' });
  await theirs.append(entry('a.jpg'), entry('b.jpg'));
  assert.equal(mine.get('a.jpg'), undefined);
  await Promise.all([mine.refresh(), looking.refresh(), looking.refresh(), looking.refresh()]);
  assert.deepEqual([...mine.all().keys(), ...looking.all().keys()], ['a.jpg', 'b.jpg', 'a.jpg', 'b.jpg']);

  await writeFile(join(root, '.seedmask/manifest.jsonl'), '{"photo": "torn', { flag: 'a' });
  await mine.refresh();
  await mine.append(entry('c.jpg'));
  await theirs.refresh();
  await looking.refresh();
  for (const manifest of [theirs, looking]) assert.deepEqual([...manifest.all().keys()], ['a.jpg', 'b.jpg', 'c.jpg']);

  await (await Manifest.open(root)).close();
  await theirs.refresh();
  await theirs.append(entry('d.jpg'));
  await looking.refresh();
  assert.deepEqual([...looking.all().keys()], ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);

  await rm(join(root, '.seedmask'), { recursive: true });
  await looking.refresh();
  await looking.append(entry('e.jpg'));
  await mine.refresh();
  await mine.append(entry('f.jpg'));
  assert.deepEqual([...(await Manifest.read(root)).keys()], ['e.jpg', 'f.jpg']);
});

test('a held photo is no run\'s business while its holder lives, and again after', async t => {
  const root = await tempFolder(t, { 'a.jpg': 'photo' });
  const manifest = await Manifest.open(root);
  t.after(() => manifest.close());
  assert.equal(await writeMask(PLACE(root), maskOf(1), manifest, making('1'), MADE), 'written');
  const holder = other(t, 'hold', root, 'a.jpg');
  assert.equal(await holder.said(), 'held');
  assert.ok(await isHeld(root, 'a.jpg'));
  assert.equal(await decideMask(PLACE(root), manifest, making('2')), 'keep');
  assert.equal(await writeMask(PLACE(root), maskOf(2), manifest, making('2'), MADE), 'kept');
  assert.equal(await isHeld(root, 'b.jpg'), false);
  holder.child.kill('SIGKILL');
  await once(holder.child, 'exit');
  assert.equal(await isHeld(root, 'a.jpg'), false);
  assert.equal(await writeMask(PLACE(root), maskOf(2), manifest, making('2'), MADE), 'written');
});

test('a list replaces the one before; what strokes began on is kept as long as a list names it', async t => {
  const root = await tempFolder(t, { 'a.jpg': 'photo', 'a.mask.png': maskOf(1) });
  const me = { pid: process.pid, host: hostname() };
  const read = () => readMask(PLACE(root));
  const [first, second] = [sha256(maskOf(1)), sha256(maskOf(2))];
  await setHolds(root, ['a.jpg', 'b.jpg'], async photo => (photo === 'a.jpg' ? read() : undefined), me);
  await put(root, { 'a.mask.png': maskOf(2) });
  await setHolds(root, ['a.jpg'], read, me);
  assert.deepEqual([await isHeld(root, 'a.jpg'), await isHeld(root, 'b.jpg')], [true, false]);
  assert.deepEqual(await baseBytes(root, first), Buffer.from(maskOf(1)));
  assert.equal(await baseBytes(root, second), undefined);
  await moveBase(root, 'a.jpg', maskOf(2), me);
  assert.deepEqual(await baseBytes(root, second), Buffer.from(maskOf(2)));
  await put(root, { [`.seedmask/holds/${second}.png`]: 'damaged' });
  assert.equal(await baseBytes(root, second), undefined);
  await setHolds(root, [], read, me);
  assert.equal(await isHeld(root, 'a.jpg'), false);
  assert.equal(await baseBytes(root, first), undefined);
});

test('lists of a dead process, of another machine long ago, and damaged ones hold nothing; of another machine now they do', async t => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const list = (holder: { pid: number; host: string }): string => JSON.stringify({ ...holder, photos: [{ photo: 'a.jpg', base: null }] });
  const root = await tempFolder(t, { '.seedmask/holds/x-1.json': list({ pid, host: hostname() }), '.seedmask/holds/x-2.json': '{"pid": 1' });
  assert.equal(await isHeld(root, 'a.jpg'), false);
  await put(root, { '.seedmask/holds/y-3.json': list({ pid: 1, host: 'elsewhere' }) });
  assert.equal(await isHeld(root, 'a.jpg'), true);
  const yesterday = new Date(Date.now() - 26 * 3600_000);
  await utimes(join(root, '.seedmask/holds/y-3.json'), yesterday, yesterday);
  assert.equal(await isHeld(root, 'a.jpg'), false);
});

test('turns come one after the other, pass on what they throw, and are not kept by the dead', async t => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const root = await tempFolder(t, { '.seedmask/turn': JSON.stringify({ pid, host: hostname(), token: 'theirs', started: '' }) });
  const order: string[] = [];
  const work = (name: string) => inTurn(root, async () => {
    order.push(`${name} begins`);
    await new Promise(resolve => setTimeout(resolve, 5));
    order.push(`${name} ends`);
    if (name === 'b') throw new Error('its own');
  });
  const results = await Promise.allSettled([work('a'), work('b'), work('c')]);
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(order, ['a', 'b', 'c'].flatMap(name => [`${name} begins`, `${name} ends`]));
});
