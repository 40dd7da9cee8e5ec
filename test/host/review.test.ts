/**
 * The review as VS Code has it, with the real engine: its documents, undo, save, revert, hot exit, and what happens when files change under it. The page is played by
 * the test, through the handler of its messages.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { policy } from '../../src/extension/html';
import type { Services } from '../../src/extension/services';
import { NO_FILTER } from '../../src/shared/queueOrder';
import { REVIEW_COMMANDS } from '../../src/shared/reviewCommands';
import { decodeRuns } from '../../src/shared/labelRuns';
import { ask, blank, closeReviews, edit, HEIGHT, isDirty, openReview, paint, PHOTOS, readAll, ReviewFolder, send, stroke, tells, until, WIDTH } from './reviewFolder';

const RECT = { x: 4, y: 4, width: 10, height: 6 };
const token = new vscode.CancellationTokenSource().token;

describe('review', function () {
  this.timeout(60_000);
  let services: Services;

  before(async () => {
    const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');
    assert.ok(extension);
    services = await extension.activate();
    await vscode.workspace.getConfiguration('files').update('autoSave', 'off', vscode.ConfigurationTarget.Global);
  });

  afterEach(() => closeReviews(services));

  it('opens at a mask, at a photo, and tells its page all about the data set', async () => {
    const folder = new ReviewFolder('review-open');
    const { page } = await openReview(services, folder.maskUri('b.png'));
    const session = await ask(page, 'ready', {});
    assert.deepEqual(session.items.map(({ photo }) => photo), PHOTOS);
    assert.equal(session.current, 1);
    assert.equal(session.readOnly, false);
    assert.equal(session.keys['nextPhoto'], 'F');
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(REVIEW_COMMANDS.filter(name => !registered.has(`seedmask.review.${name}`)), []);
    assert.deepEqual(session.dirty, []);
    const { view, url, dirty } = await ask(page, 'photo', { index: 1 });
    assert.ok(view.mask && url?.includes('b.png'));
    assert.equal(dirty, false);
    assert.deepEqual(decodeRuns(view.mask.runs, WIDTH * HEIGHT), folder.mask('b.png').data);
    const other = await openReview(services, folder.uri('c.png'));
    assert.equal((await ask(other.page, 'ready', {})).current, 2);
  });

  it('refuses a file that belongs to no photo', async () => {
    const folder = new ReviewFolder('review-stranger');
    const stranger = folder.uri('stranger.mask.png');
    writeFileSync(stranger.fsPath, 'no picture');
    await assert.rejects(services.reviews.openCustomDocument(stranger, { backupId: undefined, untitledDocumentData: undefined }), /neither a photo/);
  });

  it('an edit makes the tab dirty, undo and redo are VS Code\'s own, and save writes exactly the labels that were painted', async () => {
    const folder = new ReviewFolder('review-edit');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const before = folder.bytes('a.png');
    const painted = folder.mask('a.png');
    await edit(document, 0, stroke(painted, RECT, 3));
    await edit(document, 0, stroke(painted, { ...RECT, x: 30 }, 255));
    await until(() => isDirty(document), 5000, 'the dirty mark');
    await vscode.commands.executeCommand('undo');
    await until(() => document.edits.way('a.png').length === 1, 5000, 'undo');
    await vscode.commands.executeCommand('undo');
    await until(() => !isDirty(document), 5000, 'a clean tab');
    assert.deepEqual(document.edits.dirty, []);
    await vscode.commands.executeCommand('redo');
    await vscode.commands.executeCommand('redo');
    await until(() => document.edits.way('a.png').length === 2, 5000, 'redo');
    assert.deepEqual(decodeRuns((await ask(page, 'photo', { index: 0 })).view.mask?.runs ?? new Uint8Array(), WIDTH * HEIGHT), painted.data);
    assert.deepEqual(folder.bytes('a.png'), before, 'nothing is written before it is saved');
    assert.ok(await vscode.workspace.save(document.uri));
    assert.deepEqual(folder.mask('a.png').data, painted.data);
    await until(() => !isDirty(document), 5000, 'a clean tab');
    assert.equal(document.item(0).state, 'edited');
    await vscode.commands.executeCommand('undo');
    await until(() => isDirty(document), 5000, 'the dirty mark');
    await vscode.workspace.save(document.uri);
    assert.notDeepEqual(folder.mask('a.png').data, painted.data, 'the file follows an undo after a save');
  });

  it('edits of several photos are one undo stack and one save', async () => {
    const folder = new ReviewFolder('review-photos');
    const { document } = await openReview(services, folder.maskUri('a.png'));
    const [a, b] = [folder.mask('a.png'), folder.mask('b.png')];
    await edit(document, 0, stroke(a, RECT, 2));
    await edit(document, 1, stroke(b, RECT, 2));
    await edit(document, 0, stroke(a, { ...RECT, y: 30 }, 1));
    assert.deepEqual(document.edits.dirty, ['a.png', 'b.png']);
    await until(() => isDirty(document), 5000, 'the dirty mark');
    await vscode.commands.executeCommand('undo');
    await until(() => document.edits.way('a.png').length === 1, 5000, 'undo of the last');
    await vscode.commands.executeCommand('undo');
    await until(() => document.edits.dirty.length === 1, 5000, 'undo of the photo before');
    assert.equal(document.current, 1, 'undo shows what it undoes');
    await vscode.commands.executeCommand('redo');
    await until(() => document.edits.dirty.length === 2, 5000, 'redo');
    await vscode.workspace.save(document.uri);
    assert.deepEqual(folder.mask('b.png').data, b.data);
    paint(a, { ...RECT, y: 30 }, 0);
    assert.deepEqual(folder.mask('a.png').data, document.edits.mask('a.png') && decodeRuns(document.edits.mask('a.png')?.runs ?? new Uint8Array(), a.data.length));
  });

  it('as many edits as were saved and taken back are not taken for what was saved', async () => {
    const folder = new ReviewFolder('review-fork');
    const { document } = await openReview(services, folder.maskUri('a.png'));
    const mask = folder.mask('a.png');
    await edit(document, 0, stroke(mask, RECT, 2));
    await vscode.workspace.save(document.uri);
    await vscode.commands.executeCommand('undo');
    await until(() => isDirty(document), 5000, 'the dirty mark');
    const other = decodeRuns(document.edits.mask('a.png')?.runs ?? new Uint8Array(), WIDTH * HEIGHT);
    await edit(document, 0, stroke({ data: other, width: WIDTH, height: HEIGHT }, { ...RECT, x: 40 }, 5));
    await until(() => isDirty(document), 5000, 'the dirty mark');
    await new Promise(done => setTimeout(done, 200));
    assert.ok(isDirty(document));
    await vscode.workspace.save(document.uri);
    assert.deepEqual(folder.mask('a.png').data, other);
    await until(() => !isDirty(document), 5000, 'a clean tab');
  });

  it('revert goes back to the files', async () => {
    const folder = new ReviewFolder('review-revert');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const before = folder.mask('a.png');
    await edit(document, 0, stroke(folder.mask('a.png'), RECT, 2));
    await edit(document, 1, stroke(folder.mask('b.png'), RECT, 2));
    await until(() => isDirty(document), 5000, 'the dirty mark');
    await until(async () => {
      // Where the focus is still on its way, it goes nowhere.
      await vscode.commands.executeCommand('workbench.action.files.revert');
      return !isDirty(document);
    }, 5000, 'a clean tab');
    assert.deepEqual(document.edits.dirty, []);
    assert.deepEqual(decodeRuns((await ask(page, 'photo', { index: 0 })).view.mask?.runs ?? new Uint8Array(), WIDTH * HEIGHT), before.data);
  });

  it('hot exit brings unsaved strokes back, with undo; a damaged backup shows the masks as they are', async () => {
    const folder = new ReviewFolder('review-backup');
    const first = await openReview(services, folder.maskUri('a.png'));
    const painted = folder.mask('b.png');
    await edit(first.document, 1, stroke(painted, RECT, 4));
    const older = await services.reviews.backupCustomDocument(first.document);
    const { id } = await services.reviews.backupCustomDocument(first.document);
    older.delete();
    const file = vscode.Uri.parse(id).fsPath;
    await new Promise(done => setTimeout(done, 100));
    const whole = readFileSync(file);
    const unnamed = await services.reviews.openCustomDocument(folder.maskUri('a.png'), { backupId: undefined, untitledDocumentData: undefined });
    assert.deepEqual(unnamed.edits.dirty, ['b.png'], 'a backup that VS Code does not name is found');
    unnamed.dispose();
    await until(() => !existsSync(file), 5000, 'the end of the backup of what was closed');
    writeFileSync(file, whole);
    const again = await services.reviews.openCustomDocument(folder.maskUri('a.png'), { backupId: id, untitledDocumentData: undefined });
    assert.deepEqual(again.edits.dirty, ['b.png']);
    assert.deepEqual(decodeRuns(again.edits.mask('b.png')?.runs ?? new Uint8Array(), WIDTH * HEIGHT), painted.data);
    const announced: vscode.CustomDocumentContentChangeEvent[] = [];
    again.onDidEdit(event => announced.push(event));
    again.announceRestored();
    assert.equal(announced.length, 1);
    const [event] = announced as vscode.CustomDocumentEditEvent[];
    await event.undo();
    assert.deepEqual(again.edits.dirty, []);
    again.dispose();
    await until(() => !existsSync(file), 5000, 'the end of the backup');

    const bytes = Buffer.from(whole);
    bytes[bytes.length - 3] ^= 1;
    writeFileSync(file, bytes);
    const damaged = await services.reviews.openCustomDocument(folder.maskUri('a.png'), { backupId: id, untitledDocumentData: undefined });
    assert.deepEqual(damaged.edits.dirty, []);
    assert.equal(damaged.items.length, 3);
    damaged.dispose();
  });

  it('a clean mask that changes on disk is loaded again; our own save is no news', async () => {
    const folder = new ReviewFolder('review-watch');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    await ask(page, 'photo', { index: 0 });
    const told = tells(page);
    await edit(document, 0, stroke(folder.mask('a.png'), RECT, 2), page);
    await vscode.workspace.save(document.uri);
    await new Promise(done => setTimeout(done, 1200));
    assert.deepEqual(told.filter(tell => tell === 'changed'), []);
    const other = blank();
    paint(other, RECT, 9);
    folder.writeMask('a.png', other);
    await until(() => told.includes('changed'), 10_000, 'the news of the mask');
    assert.deepEqual(decodeRuns((await ask(page, 'photo', { index: 0 })).view.mask?.runs ?? new Uint8Array(), WIDTH * HEIGHT), other.data);
    assert.deepEqual(document.photos.conflicts, []);
  });

  for (const how of ['mine', 'reload'] as const) {
    it(`a mask that changes on disk under unsaved strokes is a conflict; ${how} decides it`, async () => {
      const folder = new ReviewFolder(`review-conflict-${how}`);
      const { document, page } = await openReview(services, folder.maskUri('a.png'));
      const mine = folder.mask('a.png');
      await ask(page, 'photo', { index: 0 });
      await edit(document, 0, stroke(mine, RECT, 2));
      const other = blank();
      paint(other, { ...RECT, x: 50 }, 9);
      folder.writeMask('a.png', other);
      const bytes = folder.bytes('a.png');
      await until(() => document.photos.conflicts.length === 1, 10_000, 'the conflict');
      assert.deepEqual((await ask(page, 'ready', {})).conflicts, [0]);
      await assert.rejects(services.reviews.saveCustomDocument(document, token), /changed by something else/);
      assert.deepEqual(folder.bytes('a.png'), bytes, 'the other\'s mask is not overwritten');
      const { view } = await ask(page, 'photo', { index: 0 });
      assert.deepEqual(decodeRuns(view.mask?.runs ?? new Uint8Array(), WIDTH * HEIGHT), mine.data, 'the person\'s mask is shown');
      const onDisk = view.layers.find(({ kind }) => kind === 'disk');
      assert.deepEqual(onDisk && decodeRuns(onDisk.data, WIDTH * HEIGHT), other.data, 'the other\'s is there to compare');
      await ask(page, 'resolve', { index: 0, how });
      assert.deepEqual(document.photos.conflicts, []);
      await document.save();
      assert.deepEqual(folder.mask('a.png').data, how === 'mine' ? mine.data : other.data);
      assert.deepEqual(document.edits.dirty, []);
    });
  }

  it('a mask that disappears under unsaved strokes is written again by "mine"', async () => {
    const folder = new ReviewFolder('review-gone');
    const { document, page } = await openReview(services, folder.uri('a.png'));
    const mine = folder.mask('a.png');
    await ask(page, 'photo', { index: 0 });
    await edit(document, 0, stroke(mine, RECT, 2));
    rmSync(folder.maskUri('a.png').fsPath);
    await until(() => document.photos.conflicts.length === 1, 10_000, 'the conflict');
    await ask(page, 'resolve', { index: 0, how: 'mine' });
    await document.save();
    assert.deepEqual(folder.mask('a.png').data, mine.data);
  });

  it('a photo without a mask gets one by painting', async () => {
    const folder = new ReviewFolder('review-new');
    rmSync(folder.maskUri('c.png').fsPath);
    const { document, page } = await openReview(services, folder.uri('c.png'));
    assert.equal((await ask(page, 'photo', { index: 2 })).view.mask, null);
    const painted = blank();
    await edit(document, 2, stroke(painted, RECT, 1));
    assert.deepEqual(decodeRuns((await ask(page, 'photo', { index: 2 })).view.mask?.runs ?? new Uint8Array(), WIDTH * HEIGHT), painted.data);
    await document.save();
    assert.deepEqual(folder.mask('c.png').data, painted.data);
  });

  it('a damaged mask and one of another size are shown as such and not edited', async () => {
    const folder = new ReviewFolder('review-damaged');
    writeFileSync(folder.maskUri('a.png').fsPath, folder.bytes('a.png').subarray(0, 60));
    folder.writeMask('b.png', blank(WIDTH + 1, HEIGHT));
    const damaged = folder.bytes('a.png');
    const { document, page } = await openReview(services, folder.uri('a.png'));
    const { view } = await ask(page, 'photo', { index: 0 });
    assert.equal(view.mask, null);
    assert.ok(view.maskProblem);
    assert.ok((await ask(page, 'photo', { index: 1 })).view.mask?.problem);
    await assert.rejects(edit(document, 0, stroke(blank(), RECT, 1)));
    await assert.rejects(edit(document, 1, stroke(blank(), RECT, 1)));
    assert.deepEqual(document.edits.dirty, []);
    assert.deepEqual(folder.bytes('a.png'), damaged);
  });

  it('a word on a mask with unsaved strokes saves them first', async () => {
    const folder = new ReviewFolder('review-mark');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const painted = folder.mask('a.png');
    await edit(document, 0, stroke(painted, RECT, 2));
    await ask(page, 'mark', { photos: [0, 1], mark: 'accepted' });
    assert.deepEqual(folder.mask('a.png').data, painted.data);
    assert.deepEqual(document.items.map(({ state }) => state).slice(0, 2), ['accepted', 'accepted']);
    const fresh = await openReview(services, folder.maskUri('b.png'));
    assert.equal(fresh.document.item(1).state, 'accepted', 'the word is on disk');
  });

  it('two pages on one document see each other\'s strokes', async () => {
    const folder = new ReviewFolder('review-split');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    await vscode.commands.executeCommand('workbench.action.splitEditor');
    await until(() => document.pages.size === 2 && [...document.pages].every(each => each.isReady), 10_000, 'the second page');
    const [other] = [...document.pages].filter(each => each !== page);
    const told = tells(other);
    const own = tells(page);
    await edit(document, 0, stroke(folder.mask('a.png'), RECT, 2), page);
    assert.ok(told.includes('patch'));
    assert.ok(!own.includes('patch'), 'the page that painted is not told of it');
    await ask(page, 'photo', { index: 2 });
    told.length = 0;
    folder.writeMask('c.png', blank());
    await ask(page, 'photo', { index: 2 });
    assert.ok(told.includes('changed'), 'what one page finds changed on disk is told the other');
  });

  it('answers or refuses whatever the page sends', async () => {
    const folder = new ReviewFolder('review-messages');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const large = { type: 'ask', id: 5, ask: 'edit', params: { index: 0, label: 'x', choices: [], patch: { x: 0, y: 0, width: 1, height: 1, before: new Uint8Array(65 * 2 ** 20), after: new Uint8Array(1) } } };
    const wrong: [unknown, string][] = [
      [large, 'too-large'],
      [{ type: 'ask', id: 6, ask: 'format-disk', params: {} }, 'bad-message'],
      [{ type: 'ask', id: 7, ask: 'photo', params: { index: -1 } }, 'bad-message'],
      [{ type: 'ask', id: 8, ask: 'photo', params: { index: 99 } }, 'bad-message'],
      [{ type: 'ask', id: 9, ask: 'photo', params: '../../etc/passwd' }, 'bad-message'],
      [{ type: 'ask', id: 10, ask: 'edit', params: { ...large.params, patch: { x: 63, y: 47, width: 9, height: 9, before: Uint8Array.of(0, 80), after: Uint8Array.of(1, 80) } } }, 'bad-message'],
      [{ type: 'ask', id: 11, ask: 'command', params: { name: 'workbench.action.quit' } }, 'bad-message'],
      [{ type: 'answer', id: 12, result: {} }, 'bad-message'],
    ];
    for (const [message, reason] of wrong) {
      const answer = await send(page, message);
      assert.ok(answer?.type === 'error', reason);
      assert.equal(answer.reason, reason);
      assert.equal(answer.id, (message as { id: number }).id);
    }
    for (const message of [undefined, null, 7, 'x', [], { type: 'ask' }, { id: 'a' }, { id: NaN }]) assert.equal(await send(page, message), undefined);
    assert.deepEqual(document.edits.dirty, []);
  });

  it('only looks in a workspace that is not trusted, also when it is asked by message', async () => {
    const folder = new ReviewFolder('review-restricted');
    const { document, page } = await openReview(services, folder.maskUri('a.png'));
    const before = PHOTOS.map(photo => folder.bytes(photo));
    Object.defineProperty(document, 'readOnly', { value: true });
    assert.equal((await ask(page, 'ready', {})).readOnly, true);
    assert.ok((await ask(page, 'photo', { index: 0 })).view.mask);
    await assert.rejects(edit(document, 0, stroke(folder.mask('a.png'), RECT, 2)), /not trusted/);
    await assert.rejects(ask(page, 'mark', { photos: [0], mark: 'accepted' }), /not trusted/);
    await assert.rejects(ask(page, 'choose', { index: 0, evidence: ['x'], choice: 'accepted' }), /not trusted/);
    await assert.rejects(ask(page, 'chooseClass', { classId: 1, choice: 'restored' }), /not trusted/);
    await assert.rejects(ask(page, 'rerun', { index: 0, tags: ['dog'] }), /not trusted/);
    await assert.rejects(ask(page, 'save', {}), /not trusted/);
    assert.deepEqual(PHOTOS.map(photo => folder.bytes(photo)), before);
    assert.ok(!existsSync(join(folder.root, '.seedmask/manifest.jsonl')));
  });

  it('a photo with unsaved strokes is held, and let go when it is clean', async () => {
    const folder = new ReviewFolder('review-hold');
    const { document } = await openReview(services, folder.maskUri('a.png'));
    const held = (): boolean => readAll(join(folder.root, '.seedmask')).includes('"b.png"');
    await edit(document, 1, stroke(folder.mask('b.png'), RECT, 2));
    await until(held, 5000, 'the hold');
    await document.revert();
    await until(() => !held(), 5000, 'the end of the hold');
  });

  it('is saved in its place only', async () => {
    await assert.rejects(services.reviews.saveCustomDocumentAs(), /saved beside them/);
  });

  it('lists the queue by state, and the tree gives a word on several masks', async () => {
    const folder = new ReviewFolder('review-queue');
    const { document } = await openReview(services, folder.maskUri('a.png'));
    const { queueView } = services;
    const [unreviewed] = queueView.getChildren();
    assert.ok(unreviewed.kind === 'state' && unreviewed.state === 'auto');
    const photos = queueView.getChildren(unreviewed);
    assert.deepEqual(photos.map(node => queueView.getTreeItem(node).label), PHOTOS);
    await vscode.commands.executeCommand('seedmask.review.rejectItems', photos[0], photos.slice(0, 2));
    assert.deepEqual(document.items.map(({ state }) => state), ['rejected', 'rejected', 'auto']);
    queueView.filter = { ...NO_FILTER, states: new Set(['rejected']) };
    assert.deepEqual(queueView.getChildren().map(node => node.kind === 'state' && node.state), ['rejected']);
    queueView.filter = { ...NO_FILTER, text: 'C.P' };
    assert.deepEqual(queueView.getChildren().flatMap(node => queueView.getChildren(node)).map(node => queueView.getTreeItem(node).label), ['c.png']);
    queueView.filter = NO_FILTER;
  });

  it('Review Masks opens the first mask nobody has looked at, and comes back to an open review', async () => {
    const folder = new ReviewFolder('review-folder');
    await vscode.commands.executeCommand('seedmask.review.open', vscode.Uri.file(folder.root));
    await until(() => services.reviews.documents.size === 1 && services.reviews.active?.pages.size === 1, 20_000, 'the review');
    const [document] = services.reviews.documents;
    assert.equal(document.current, 0);
    await document.mark(['a.png'], 'accepted');
    await vscode.commands.executeCommand('seedmask.review.open', vscode.Uri.file(folder.root));
    await until(() => document.current === 1, 5000, 'the next photo');
    await vscode.commands.executeCommand('seedmask.review.openFile', folder.uri('c.png'));
    await until(() => document.current === 2, 5000, 'the photo');
    assert.equal(services.reviews.documents.size, 1);
  });

  it('lets the page load its own script and the data set\'s pictures, and nothing else', () => {
    assert.equal(policy('SOURCE', 'N', 'review'), "default-src 'none'; img-src SOURCE blob:; connect-src SOURCE; style-src SOURCE; font-src SOURCE; script-src 'nonce-N'");
  });
});
