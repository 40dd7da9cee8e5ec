import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeedMaskError } from '../../../src/shared/errors';
import { applyPatch } from '../../../src/shared/labelPatch';
import { decodeRuns, encodeRuns } from '../../../src/shared/labelRuns';
import type { LabelMap } from '../../../src/shared/maps';
import { MaskEdits, type Edit, type EditPart } from '../../../src/shared/maskEdits';
import { readBackup, restoreEdits, writeBackup } from '../../../src/shared/maskBackup';
import { runsOf } from '../../../src/shared/maskRuns';
import { baseOf, copyOf, Dice, paint, randomMask, randomStroke, written } from './strokes';

/** A data set as a page, a disk and VS Code's undo stack would have it. */
class World {
  edits = new MaskEdits();
  readonly seen = new Map<string, LabelMap>();
  readonly disk = new Map<string, { labels: LabelMap; hash: string }>();
  done: Edit[] = [];
  undone: Edit[] = [];
  #hash = 0;

  constructor(readonly dice: Dice, photos: readonly string[]) {
    for (const photo of photos) {
      const labels = randomMask(dice, 1 + dice.below(48), 1 + dice.below(48));
      this.seen.set(photo, copyOf(labels));
      this.disk.set(photo, { labels, hash: this.newHash() });
    }
  }

  newHash(): string {
    return String(++this.#hash).padStart(64, '0');
  }

  stroke(photo: string): void {
    const part = randomStroke(this.dice, photo, this.labels(photo));
    this.note([part]);
  }

  note(edit: Edit): void {
    this.edits.add(edit, name => baseOf(this.file(name).labels, this.file(name).hash));
    this.done.push(edit);
    this.undone = [];
  }

  undo(): EditPart[] {
    const edit = this.done.pop();
    if (!edit) return [];
    this.undone.push(edit);
    const parts = this.edits.undo(edit);
    for (const { photo, patch } of parts) applyPatch(this.labels(photo), patch, 'undo');
    return parts;
  }

  redo(): void {
    const edit = this.undone.pop();
    if (!edit) return;
    this.done.push(edit);
    for (const { photo, patch } of this.edits.redo(edit)) applyPatch(this.labels(photo), patch, 'redo');
  }

  /** What the engine does with a save. */
  save(photo: string): void {
    const job = this.edits.save(photo);
    if (!job) return;
    const file = this.file(photo);
    assert.equal(job.base, file.hash);
    const hash = this.newHash();
    this.disk.set(photo, { labels: written(file.labels, job.patches), hash });
    job.done(hash);
  }

  check(): void {
    for (const [photo, labels] of this.seen) {
      const mask = this.edits.mask(photo);
      if (mask) assert.deepEqual(decodeRuns(mask.runs, labels.data.length), labels.data, `${photo} as it is seen`);
      const file = this.edits.fileMask(photo);
      if (file) assert.deepEqual(decodeRuns(file.runs, labels.data.length), this.file(photo).labels.data, `${photo} as the file has it`);
      if (!this.edits.isDirty(photo)) assert.deepEqual(this.file(photo).labels.data, labels.data, `${photo} is said to be clean`);
    }
  }

  labels(photo: string): LabelMap {
    const labels = this.seen.get(photo);
    assert.ok(labels);
    return labels;
  }

  file(photo: string): { labels: LabelMap; hash: string } {
    const file = this.disk.get(photo);
    assert.ok(file);
    return file;
  }
}

const PHOTOS = ['a.jpg', 'b.jpg', 'deep/c.png'];

test('thousands of strokes on three photos in turns, all taken back: every mask is what it was, and nothing is unsaved', () => {
  const world = new World(new Dice(11), PHOTOS);
  const first = PHOTOS.map(photo => copyOf(world.labels(photo)));
  for (let i = 0; i < 3000; i++) world.stroke(PHOTOS[world.dice.below(3)]);
  world.check();
  const last = PHOTOS.map(photo => copyOf(world.labels(photo)));
  while (world.done.length > 0) assert.equal(world.undo().length, 1);
  assert.deepEqual(PHOTOS.map(photo => world.labels(photo).data), first.map(({ data }) => data));
  assert.deepEqual(world.edits.dirty, []);
  world.check();
  while (world.undone.length > 0) world.redo();
  assert.deepEqual(PHOTOS.map(photo => world.labels(photo).data), last.map(({ data }) => data));
  world.check();
});

test('strokes, undo, redo, save, revert, reload in any order: page, file and model agree at every step', () => {
  for (let seed = 0; seed < 25; seed++) {
    const world = new World(new Dice(seed), PHOTOS);
    for (let step = 0; step < 160; step++) {
      const photo = PHOTOS[world.dice.below(3)];
      const what = world.dice.below(20);
      if (what < 9) world.stroke(photo);
      else if (what < 13) world.undo();
      else if (what < 15) world.redo();
      else if (what < 17) world.save(photo);
      else if (what === 17) {
        for (const changed of world.edits.revert()) world.seen.set(changed, copyOf(world.file(changed).labels));
      } else if (what === 18) {
        // The window is reloaded: the backup holds what is unsaved, VS Code's stack is gone and made anew.
        world.edits = restoreEdits(readBackup(writeBackup(world.edits, '/data', photo)));
        world.done = [];
        world.undone = [];
      } else {
        world.edits.drop(photo);
        world.seen.set(photo, copyOf(world.file(photo).labels));
      }
      world.check();
    }
    for (const photo of PHOTOS) world.save(photo);
    assert.deepEqual(world.edits.dirty, []);
    for (const photo of PHOTOS) assert.deepEqual(world.file(photo).labels.data, world.labels(photo).data);
  }
});

test('what was saved can be taken back and saved again: the file follows each time', () => {
  const world = new World(new Dice(3), ['a.jpg']);
  const [photo] = world.seen.keys();
  const first = copyOf(world.labels(photo));
  world.stroke(photo);
  world.stroke(photo);
  world.save(photo);
  assert.ok(!world.edits.isDirty(photo));
  world.undo();
  world.undo();
  assert.ok(world.edits.isDirty(photo) && world.edits.isForked(photo));
  world.save(photo);
  assert.deepEqual(world.file(photo).labels.data, first.data);
  world.redo();
  world.stroke(photo);
  world.save(photo);
  assert.deepEqual(world.file(photo).labels.data, world.labels(photo).data);
});

test('an edit made while a save is under way stays unsaved', () => {
  const world = new World(new Dice(4), ['a.jpg']);
  world.stroke('a.jpg');
  const job = world.edits.save('a.jpg');
  world.stroke('a.jpg');
  job?.done(world.newHash());
  assert.ok(world.edits.isDirty('a.jpg'));
  assert.equal(world.edits.way('a.jpg').length, 1);
});

test('a mask that has no file begins empty and is written whole', () => {
  const edits = new MaskEdits();
  const labels: LabelMap = { data: new Uint8Array(100), width: 10, height: 10 };
  const part = randomStroke(new Dice(8), 'new.jpg', labels);
  edits.add([part], () => ({ hash: null, width: 10, height: 10, runs: runsOf(0, 100) }));
  const job = edits.save('new.jpg');
  assert.equal(job?.base, null);
  assert.deepEqual(job && written({ data: new Uint8Array(100), width: 10, height: 10 }, job.patches).data, labels.data);
});

test('an edit that does not fit is refused, and nothing of it is noted', () => {
  const world = new World(new Dice(6), PHOTOS);
  world.stroke('a.jpg');
  const good = randomStroke(world.dice, 'b.jpg', copyOf(world.labels('b.jpg')));
  const bad: EditPart = { ...good, photo: 'a.jpg', patch: { ...good.patch, x: 50_000 } };
  assert.throws(() => world.note([good, bad]), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-message');
  assert.deepEqual(world.edits.dirty, ['a.jpg']);
  world.check();
});

test('an edit of a mask that was loaded anew is not taken back', () => {
  const world = new World(new Dice(7), ['a.jpg', 'b.jpg']);
  world.stroke('b.jpg');
  world.stroke('a.jpg');
  world.edits.drop('a.jpg');
  world.seen.set('a.jpg', copyOf(world.file('a.jpg').labels));
  assert.deepEqual(world.undo(), []);
  assert.equal(world.undo().length, 1);
  world.check();
});

test('one edit of many photos is one step', () => {
  const world = new World(new Dice(9), PHOTOS);
  const first = PHOTOS.map(photo => copyOf(world.labels(photo)).data);
  world.note(PHOTOS.map(photo => randomStroke(world.dice, photo, world.labels(photo))));
  assert.deepEqual(world.edits.dirty, PHOTOS);
  assert.equal(world.undo().length, 3);
  assert.deepEqual(PHOTOS.map(photo => world.labels(photo).data), first);
  world.redo();
  world.check();
});

test('words on removed regions go with their edit, and come back with it', () => {
  const labels: LabelMap = { data: new Uint8Array(64), width: 8, height: 8 };
  const edits = new MaskEdits();
  const restore: EditPart = { ...randomStroke(new Dice(1), 'a.jpg', labels), choices: [{ evidence: 'a.jpg#1@0,0,2,2', choice: 'restored', was: 'accepted' }] };
  edits.add([restore], () => ({ hash: null, width: 8, height: 8, runs: runsOf(0, 64) }));
  assert.equal(edits.choice('a.jpg', 'a.jpg#1@0,0,2,2'), 'restored');
  assert.equal(edits.choice('a.jpg', 'another'), undefined);
  const job = edits.save('a.jpg');
  assert.deepEqual(job?.choices, [{ evidence: 'a.jpg#1@0,0,2,2', choice: 'restored' }]);
  job?.done('1'.repeat(64));
  edits.undo([restore]);
  assert.equal(edits.choice('a.jpg', 'a.jpg#1@0,0,2,2'), undefined);
  assert.deepEqual(edits.save('a.jpg')?.choices, [{ evidence: 'a.jpg#1@0,0,2,2', choice: 'accepted' }]);
});

test('keep mine: the file of another is replaced by the person\'s mask, and every stroke still can be taken back', () => {
  for (const found of ['same size', 'another size', 'gone'] as const) {
    const world = new World(new Dice(13), ['a.jpg']);
    world.stroke('a.jpg');
    world.save('a.jpg');
    const saved = copyOf(world.labels('a.jpg'));
    world.stroke('a.jpg');
    world.stroke('a.jpg');
    const mine = copyOf(world.labels('a.jpg'));
    const { width, height } = mine;
    const other = found === 'another size' ? randomMask(world.dice, width + 1, height) : randomMask(world.dice, width, height);
    const hash = world.newHash();
    world.edits.keepMine('a.jpg', found === 'gone' ? null : baseOf(other, hash));
    assert.ok(world.edits.isDirty('a.jpg'));
    world.edits = restoreBoth(world);
    const job = world.edits.save('a.jpg');
    assert.ok(job);
    assert.equal(job.overwrite, found === 'another size');
    assert.equal(job.base, found === 'same size' ? hash : null);
    const begin = found === 'same size' ? other : { data: new Uint8Array(width * height), width, height };
    assert.deepEqual(written(begin, job.patches).data, mine.data, found);
    job.done(world.newHash());
    assert.ok(!world.edits.isDirty('a.jpg'));
    if (found !== 'same size') continue;
    world.disk.set('a.jpg', { labels: mine, hash: 'x' });
    world.undo();
    world.undo();
    assert.deepEqual(world.labels('a.jpg').data, saved.data);
    world.check();
  }
});

test('giving up everything after "keep mine" leaves the file of the other', () => {
  const world = new World(new Dice(14), ['a.jpg']);
  world.stroke('a.jpg');
  const other = copyOf(world.labels('a.jpg'));
  paint(other, { x: 0, y: 0, width: 1, height: 1 }, 200);
  world.edits.keepMine('a.jpg', baseOf(other, 'f'.repeat(64)));
  assert.deepEqual(world.edits.revert(), ['a.jpg']);
  assert.deepEqual(world.edits.mask('a.jpg')?.runs, encodeRuns(other.data));
  assert.deepEqual(world.edits.dirty, []);
});

/** A backup must restore to the same save; the edits themselves go on, since VS Code's stack names them. */
function restoreBoth({ edits }: World): MaskEdits {
  const restored = restoreEdits(readBackup(writeBackup(edits, '/data', undefined)));
  assert.deepEqual(strip(restored), strip(edits));
  return edits;
}

function strip(edits: MaskEdits): unknown {
  return edits.dirty.map(photo => {
    const { done, ...job } = edits.save(photo) ?? { done: undefined };
    assert.ok(done);
    return [photo, job, edits.mask(photo), edits.fileMask(photo)];
  });
}
