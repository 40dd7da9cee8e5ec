/** Leak into surroundings, what was lost, and selected clusters: on masks whose shares are known by counting. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeMask } from '../../../src/dataset/maskFile';
import { writeClassEvidence, writeClusterGrid, writeMars } from '../../../src/dataset/evidenceStore';
import { sha256 } from '../../../src/dataset/hash';
import { evaluate } from '../../../src/engine/jobs/evaluate';
import { SeedMaskError } from '../../../src/shared/errors';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { put, tempFolder } from '../../unit/dataset/temp';

const WIDTH = 10;
/** 10 x 2 pixels: labels of the columns from `from` on. */
function columns(...labels: [from: number, label: number][]): { data: Uint8Array; width: number; height: number } {
  const data = new Uint8Array(2 * WIDTH);
  for (let p = 0; p < data.length; p++) for (const [from, label] of labels) if (p % WIDTH >= from) data[p] = label;
  return { data, width: WIDTH, height: 2 };
}

const context = { emit: () => undefined, signal: new AbortController().signal };

/** A boat in columns 4 to 7 on water; the mask before has columns 0 to 7, after debiasing 3 to 6. */
async function folder(t: Parameters<typeof tempFolder>[0]): Promise<string> {
  const root = await tempFolder(t, { 'photos/a.jpg': 'x', 'truth/classes.json': '["background", "boat"]', 'stuff/names.json': '["background", "boat", "sky", "water"]' });
  await put(root, {
    'truth/a.png': encodeMask(columns([4, 1], [8, 0])),
    'stuff/a.png': encodeMask(columns([0, 3], [4, 1], [8, 3])),
    'photos/classes.json': '["background", "boat"]',
    'photos/a.mask.png': encodeMask(columns([3, 1], [7, 0])),
  });
  return root;
}

const params = (root: string, more: object = {}) => ({
  root: join(root, 'photos'), settings: DEFAULT_SETTINGS, truth: join(root, 'truth'), leak: { truth: join(root, 'stuff'), classes: join(root, 'stuff/names.json'), ...more },
});

test('before and after debiasing: the share on the surroundings, and what was lost', async t => {
  const root = await folder(t);
  const photos = join(root, 'photos');
  const before = encodeMask(columns([0, 1], [8, 0]));
  await writeMars(photos, 'a.jpg', { science: sha256(''), before, removed: columns(), similarity: { height: 1, width: 1, first: Uint8Array.of(0), second: Uint8Array.of(0) }, regions: [] });
  await writeClassEvidence(photos, [{
    classId: 1, name: 'boat', photos: 1, leftAlone: null, gap: 1, biased: true, distances: [0.5, 0.4], clusters: [{ photo: 'a.jpg', cluster: 1, distance: 0.5 }, { photo: 'a.jpg', cluster: 0, distance: 0.4 }],
    selected: 2, cut: 0.4, removed: 0, before: 1, photosChanged: 0, photosEmptied: 0, regions: 0, fragile: 0, metricAgreement: null, groups: [],
  }]);
  // Cluster 1 is the boat's columns, cluster 0 the water left of it.
  await writeClusterGrid(photos, 'a.jpg', { height: 1, width: 5, first: Uint8Array.of(1, 1, 1, 1, 255), second: Uint8Array.of(0, 0, 1, 1, 0) });
  const { leaks, lost, scores, selected } = await evaluate(params(root), context);
  assert.equal(lost, 0.25);
  assert.deepEqual(leaks, [{ object: 'boat', context: 'water', photos: 1, before: 0.5, after: 0.25, lost: 0.25 }]);
  assert.deepEqual(scores.map(({ stage }) => stage), ['before MARS', 'mask']);
  assert.deepEqual(selected, { clusters: 2, right: 1 });
});

test('without debiasing before and after are the same, and nothing is lost', async t => {
  const { leaks, selected, scores } = await evaluate(params(await folder(t)), context);
  assert.deepEqual(leaks, [{ object: 'boat', context: 'water', photos: 1, before: 0.25, after: 0.25, lost: 0 }]);
  assert.equal(selected, undefined);
  assert.deepEqual(scores.map(({ stage }) => stage), ['mask']);
});

test('pairs that are asked for must be there; usual ones are left out where they are not; names must be readable', async t => {
  const root = await folder(t);
  await assert.rejects(evaluate(params(root, { pairs: [{ object: 'boat', context: 'lava' }] }), context), /no class 'lava'/);
  const { leaks } = await evaluate(params(root, { pairs: [{ object: 'boat', context: 'sky' }] }), context);
  assert.equal(leaks?.[0]?.after, 0);
  await writeFile(join(root, 'stuff/names.json'), '{"no": 1}');
  await assert.rejects(evaluate(params(root), context), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-settings');
});
