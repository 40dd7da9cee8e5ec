import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { acquireLock } from '../../../src/dataset/lock';
import { clearCache } from '../../../src/engine/jobs/clearCache';
import { tempFolder } from '../../unit/dataset/temp';

const FILES = { '.seedmask/cache/features/ab/x.f16': '12345', '.seedmask/training/seeds/scores/a.jpg': '123', '.seedmask/training/seeds/masks/a.jpg.png': '12', '.seedmask/trained/trained.json': '{}', '.seedmask/manifest.jsonl': '' };

test('caches go: features, first labels; what was learnt and what is known of masks stay', async t => {
  const root = await tempFolder(t, FILES);
  assert.deepEqual(await clearCache({ root }), { bytes: 10 });
  assert.deepEqual(Object.keys(FILES).map(name => existsSync(join(root, name))), [false, false, false, true, true]);
  assert.deepEqual(await clearCache({ root }), { bytes: 0 });
});

test('first labels stay while a run works on the folder', async t => {
  const root = await tempFolder(t, FILES);
  const lock = await acquireLock(root);
  assert.deepEqual(await clearCache({ root }), { bytes: 5 });
  assert.ok(existsSync(join(root, '.seedmask/training/seeds/scores/a.jpg')));
  await lock.release();
});
