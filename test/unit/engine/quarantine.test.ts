/** Photos that the engine fell with: counted, given a second chance, left out; and nobody accused of what was done on purpose. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Quarantine } from '../../../src/engine/quarantine';
import { SeedMaskError } from '../../../src/shared/errors';
import { tempFolder } from '../dataset/temp';

async function dataSet(t: TestContext): Promise<{ root: string; file: string }> {
  const root = await tempFolder(t);
  await mkdir(join(root, '.seedmask'));
  return { root, file: join(root, '.seedmask/working.json') };
}

const leftOut = (error: unknown): boolean => error instanceof SeedMaskError && error.reason === 'engine-gone' && error.file === 'bad.jpg';

test('a photo that two processes fell with is left out; others pass', async t => {
  const { root } = await dataSet(t);
  await (await Quarantine.open(root, false)).enter('bad.jpg');
  await (await Quarantine.open(root, true)).enter('bad.jpg');
  const third = await Quarantine.open(root, true);
  await assert.rejects(third.enter('bad.jpg'), leftOut);
  await third.enter('good.jpg');
  const fourth = await Quarantine.open(root, true);
  await assert.rejects(fourth.enter('bad.jpg'), leftOut, 'the count outlives the falls of others');
  await fourth.enter('good.jpg');
});

test('processes that were ended on purpose count for nothing', async t => {
  const { root } = await dataSet(t);
  for (let i = 0; i < 4; i++) await (await Quarantine.open(root, false)).enter('slow.jpg');
});

test('a process that falls between photos accuses none', async t => {
  const { root } = await dataSet(t);
  for (let i = 0; i < 4; i++) {
    const quarantine = await Quarantine.open(root, true);
    await quarantine.enter('a.jpg');
    await quarantine.leave();
  }
});

test('a fall before the next photo is entered is counted once', async t => {
  const { root } = await dataSet(t);
  await (await Quarantine.open(root, false)).enter('a.jpg');
  await Quarantine.open(root, true);
  await (await Quarantine.open(root, true)).enter('a.jpg');
});

test('a run that comes to its end forgets', async t => {
  const { root, file } = await dataSet(t);
  const quarantine = await Quarantine.open(root, true);
  await quarantine.enter('a.jpg');
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { photo: 'a.jpg', crashes: {} });
  await quarantine.close();
  assert.ok(!existsSync(file));
  await quarantine.close();
});

test('a damaged file, or none, or a folder that cannot be written, stops nothing', async t => {
  const { root, file } = await dataSet(t);
  for (const text of ['', '{"photo": "a.jp', '{"photo": 3, "crashes": []}', 'null', '{"photo":"a.jpg","crashes":{"a.jpg":"many"}}']) {
    await writeFile(file, text);
    await (await Quarantine.open(root, true)).enter('a.jpg');
  }
  const missing = await Quarantine.open(join(root, 'gone'), true);
  await missing.enter('a.jpg');
  await missing.leave();
  await missing.close();
});
