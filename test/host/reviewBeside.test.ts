/**
 * What happens beside a person who reviews, with the real engine: a run over a photo with unsaved strokes, a second review of the same data set, a photo that is
 * replaced, a page out of sight; and how much of a large queue a page is told.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { decodeMask, encodeMask } from '../../src/dataset/maskFile';
import type { Services } from '../../src/extension/services';
import type { RunSummary } from '../../src/shared/protocol';
import { makePhotoFolder } from '../photos';
import { ask, blank, closeReviews, edit, HEIGHT, isDirty, labelsOf, openReview, paint, PHOTOS, ReviewFolder, stroke, tells, told, until, WIDTH } from './reviewFolder';

const RECT = { x: 4, y: 4, width: 10, height: 6 };
const token = new vscode.CancellationTokenSource().token;

describe('beside a review', function () {
  this.timeout(120_000);
  let services: Services;

  before(async () => {
    const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');
    assert.ok(extension);
    services = await extension.activate();
    await vscode.workspace.getConfiguration('files').update('autoSave', 'off', vscode.ConfigurationTarget.Global);
  });

  afterEach(() => closeReviews(services));

  it('a run never writes the mask of a photo that is open with unsaved strokes, and says so', async () => {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const extension = vscode.extensions.getExtension('seedmask.seedmask');
    assert.ok(workspace !== undefined && extension);
    const { folder } = makePhotoFolder(extension.extensionPath, join(workspace, 'review-run'));
    const mask = (photo: string): string => join(folder, photo.replace('.jpg', '.mask.png'));
    const [first] = await generate(folder);
    assert.equal(first?.written, 4);

    const { document, page } = await openReview(services, vscode.Uri.file(mask('cat.jpg')));
    const [cat, boats] = ['cat.jpg', 'boats.jpg'].map(photo => document.indexOf(photo) ?? -1);
    // What was rejected is made anew by the next run.
    await ask(page, 'mark', { photos: [cat, boats], mark: 'rejected' });
    const painted = decodeMask(readFileSync(mask('cat.jpg'))).labels;
    const bytes = readFileSync(mask('cat.jpg'));
    await edit(document, cat, stroke(painted, RECT, 255));
    await document.context.engine.hold(folder, document, document.edits.dirty);
    const sessions = told(page, 'session');
    const news = told(page, 'items');

    const [summary] = await generate(folder);
    assert.ok(summary);
    assert.deepEqual([summary.state, summary.written, summary.kept, summary.skipped], ['done', 1, 1, 2]);
    assert.deepEqual(summary.notes.filter(note => note.startsWith('cat.jpg')), ['cat.jpg: kept: it is open in a review with unsaved strokes']);
    assert.deepEqual(readFileSync(mask('cat.jpg')), bytes, 'the mask file is what it was');
    await until(() => document.item(boats).state === 'auto', 10_000, 'the look at the queue after the run');
    assert.equal(document.item(cat).state, 'rejected');
    assert.deepEqual(document.edits.dirty, ['cat.jpg']);
    assert.deepEqual(document.photos.conflicts, []);
    assert.deepEqual(await labelsOf(page, cat), painted.data, 'the strokes are there');
    await until(() => [...news, ...sessions].length > 0 && sessions.at(-1)?.run === null, 5000, 'the word that the run has ended');
    assert.ok(sessions.some(({ run }) => run !== null), 'the page knew of the run');
    await until(() => sessions.at(-1)?.items[boats].state === 'auto' || news.some(({ items }) => items.some(({ index, item }) => index === boats && item.state === 'auto')), 5000, 'the state of the photo that was made anew');

    await document.save();
    assert.deepEqual(decodeMask(readFileSync(mask('cat.jpg'))).labels.data, painted.data);
  });

  it('two reviews of one data set: a save in one is loaded by the other, and a conflict where that has strokes', async () => {
    const folder = new ReviewFolder('review-twice');
    const one = await openReview(services, folder.maskUri('a.png'));
    const two = await openReview(services, folder.maskUri('b.png'));
    assert.notEqual(one.document, two.document);
    await Promise.all([ask(two.page, 'photo', { index: 0 }), ask(two.page, 'photo', { index: 1 })]);
    const painted = folder.mask('a.png');
    await edit(one.document, 0, stroke(painted, RECT, 2));
    await one.document.save();
    const states = (): string[] => two.document.items.map(({ state }) => state);
    await until(() => states()[0] === 'edited', 10_000, 'the state in the other review');
    assert.deepEqual(await labelsOf(two.page, 0), painted.data);

    const theirs = folder.mask('b.png');
    await edit(two.document, 1, stroke(theirs, RECT, 7));
    const mine = folder.mask('b.png');
    await edit(one.document, 1, stroke(mine, { ...RECT, x: 40 }, 9));
    await one.document.save();
    await until(() => two.document.photos.conflicts.length === 1, 10_000, 'the conflict in the other review');
    await assert.rejects(services.reviews.saveCustomDocument(two.document, token), /changed by something else/);
    assert.deepEqual(folder.mask('b.png').data, mine.data, 'what was saved first stays until a person says otherwise');
    await ask(two.page, 'resolve', { index: 1, how: 'mine' });
    await two.document.save();
    assert.deepEqual(folder.mask('b.png').data, theirs.data);
    await until(async () => Buffer.from((await labelsOf(one.page, 1)) ?? []).equals(theirs.data), 10_000, 'the other\'s mask in the first review');
    assert.deepEqual(one.document.photos.conflicts, []);
  });

  it('a photo that is replaced is shown anew with the strokes; by one of another size, its strokes are not written', async () => {
    const folder = new ReviewFolder('review-replaced');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const { view } = await ask(page, 'photo', { index: 0 });
    const painted = folder.mask('a.png');
    await edit(document, 0, stroke(painted, RECT, 2), page);
    const bytes = folder.bytes('a.png');
    // The page itself asks for the photo when it begins; what it finds then is no news to it.
    await new Promise(done => setTimeout(done, 1000));
    const changes = told(page, 'changed');
    replacePhoto(folder, 'a.png', WIDTH, HEIGHT);
    await until(() => changes.some(({ index }) => index === 0), 10_000, 'the news of the photo');
    const again = await ask(page, 'photo', { index: 0 });
    assert.notEqual(again.view.source, view.source);
    assert.deepEqual(await labelsOf(page, 0), painted.data);
    assert.ok(again.dirty);

    replacePhoto(folder, 'a.png', 20, 20);
    await until(async () => (await ask(page, 'photo', { index: 0 })).view.width === 20, 10_000, 'the other photo');
    await assert.rejects(document.save());
    assert.deepEqual(folder.bytes('a.png'), bytes);
    assert.deepEqual(document.edits.dirty, ['a.png'], 'the strokes are not lost');
  });

  it('a photo that goes away while it is shown stays in the queue, and says why it cannot be seen', async () => {
    const folder = new ReviewFolder('review-away');
    const { document, page } = await openReview(services, folder.uri('b.png'));
    await ask(page, 'photo', { index: 1 });
    rmSync(folder.uri('b.png').fsPath);
    await until(() => document.item(1).state === 'failed', 10_000, 'the state of the photo');
    assert.deepEqual(document.items.map(({ photo }) => photo), PHOTOS, 'places stay what they are');
    assert.equal(document.item(1).problem, 'the photo is gone');
    await assert.rejects(ask(page, 'photo', { index: 1 }));
  });

  it('a word on one photo tells the page of that one alone; a new photo tells it of the whole queue', async () => {
    const folder = new ReviewFolder('review-news');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    // What looking at photos finds is news, too: it is all told before anything is asked.
    for (const index of PHOTOS.keys()) await ask(page, 'photo', { index });
    await document.refresh();
    await new Promise(done => setTimeout(done, 300));
    const [sessions, news] = [told(page, 'session'), told(page, 'items')];
    await ask(page, 'mark', { photos: [2], mark: 'accepted' });
    await until(() => news.length > 0, 5000, 'the news');
    assert.deepEqual(news.flatMap(({ items }) => items.map(({ index, item }) => [index, item.photo, item.state])), [[2, 'c.png', 'accepted']]);
    news.length = 0;
    await edit(document, 1, stroke(folder.mask('b.png'), RECT, 2), page);
    await until(() => news.length > 0, 5000, 'the news of the stroke');
    assert.deepEqual(news.at(-1), { items: [], dirty: [1], conflicts: [] });
    assert.equal(sessions.length, 0);
    copyFileSync(folder.uri('a.png').fsPath, folder.uri('d.png').fsPath);
    await until(() => sessions.length > 0, 10_000, 'the new queue');
    assert.deepEqual(sessions.at(-1)?.items.map(({ photo }) => photo), [...PHOTOS, 'd.png']);
    assert.deepEqual(sessions.at(-1)?.dirty, [1]);
  });

  it('a page out of sight is told nothing and asks for everything when it is back', async () => {
    const folder = new ReviewFolder('review-hidden');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    await vscode.window.showTextDocument(folder.uri('tags.json'), { preview: false });
    await until(() => !page.isReady, 5000, 'the page to be hidden');
    const heard = tells(page);
    const painted = folder.mask('b.png');
    await edit(document, 1, stroke(painted, RECT, 2));
    await document.mark(['c.png'], 'rejected');
    await new Promise(done => setTimeout(done, 300));
    assert.deepEqual(heard, []);
    page.panel.reveal();
    await until(() => page.isReady, 20_000, 'the page to be back');
    const session = await ask(page, 'ready', {});
    assert.equal(session.items[2].state, 'rejected');
    assert.deepEqual(session.dirty, [1]);
    assert.deepEqual(await labelsOf(page, 1), painted.data);
    assert.ok(isDirty(document));
  });

  it('photos of one pixel, and a data set without any class, are reviewed like others', async () => {
    const folder = new ReviewFolder('review-tiny');
    writeFileSync(folder.uri('tags.json').fsPath, '{}');
    for (const photo of PHOTOS) rmSync(folder.maskUri(photo).fsPath);
    writeFileSync(folder.uri('a.png').fsPath, encodeMask(blank(1, 1)));
    const { document, page } = await openReview(services, folder.uri('a.png'));
    const session = await ask(page, 'ready', {});
    assert.deepEqual(session.classes.map(({ id }) => id), [0]);
    assert.deepEqual(session.items.map(({ state }) => state), ['untagged', 'untagged', 'untagged']);
    const pixel = blank(1, 1);
    await edit(document, 0, stroke(pixel, { x: 0, y: 0, width: 1, height: 1 }, 254));
    await document.save();
    assert.deepEqual(folder.mask('a.png'), { data: Uint8Array.of(254), width: 1, height: 1 });
    assert.deepEqual(await labelsOf(page, 0), Uint8Array.of(254));
  });
});

async function generate(folder: string): Promise<(RunSummary | undefined)[]> {
  return (await vscode.commands.executeCommand('seedmask.generate', vscode.Uri.file(folder))) as (RunSummary | undefined)[];
}

function replacePhoto(folder: ReviewFolder, photo: string, width: number, height: number): void {
  const other = blank(width, height);
  paint(other, { x: 0, y: 0, width: 8, height: 8 }, 77);
  writeFileSync(folder.uri(photo).fsPath, encodeMask(other));
}
