/**
 * The main job through the extension's commands, with the real engine: masks on disk, a failed photo in the view, the extension host alive
 * all the while.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { decodeMask } from '../../src/dataset/maskFile';
import type { Services } from '../../src/extension/services';
import type { RunSummary } from '../../src/shared/protocol';
import { makePhotoFolder, type PhotoFolder } from '../photos';
import { watchEventLoop } from './threadTime';

/** The longest time in ms that this extension may keep the extension host from answering. */
const LONGEST_BLOCK_MS = 50;

describe('generate', function () {
  this.timeout(240_000);
  let services: Services;
  let photos: PhotoFolder;

  before(async () => {
    const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');
    assert.ok(extension);
    services = await extension.activate();
    const workspace = vscode.workspace.workspaceFolders?.[0];
    assert.ok(workspace, 'the tests need a workspace folder');
    photos = makePhotoFolder(extension.extensionPath, join(workspace.uri.fsPath, 'photos'), 'damaged.jpg');
  });

  it('makes a mask beside each photo, names the damaged one, and never blocks the extension host', async () => {
    const blocks = watchEventLoop();
    const [summary] = (await vscode.commands.executeCommand('seedmask.generate', vscode.Uri.file(photos.folder))) as [RunSummary];
    const longest = blocks.stop();
    console.log(`      run of ${summary.seconds.toFixed(1)} s on ${summary.device}; longest block of the extension host ${longest.toFixed(0)} ms`);
    assert.equal(summary.state, 'done');
    assert.equal(summary.written, 4);
    assert.deepEqual(summary.failed.map(failure => failure.photo), ['damaged.jpg']);
    for (const [photo, tags] of Object.entries(photos.tags)) {
      const ids = idsOf(join(photos.folder, photo.replace('.jpg', '.mask.png')));
      const allowed = new Set([0, 255, ...tags.map(tag => classId(photos.folder, tag))]);
      for (const id of ids) assert.ok(allowed.has(id), `${photo} holds the id ${id}`);
    }
    assert.ok(!existsSync(join(photos.folder, 'damaged.mask.png')));
    assert.ok(longest < LONGEST_BLOCK_MS, `the extension host was blocked for ${longest.toFixed(0)} ms`);
  });

  it('shows the run and its failed photo in the view', async () => {
    await services.runsView.refresh();
    const [run] = await services.runsView.getChildren();
    assert.ok(run?.kind === 'run');
    assert.equal(run.run.state, 'done');
    const [photo] = await services.runsView.getChildren(run);
    assert.ok(photo?.kind === 'photo');
    const item = services.runsView.getTreeItem(photo);
    assert.equal(item.label, 'damaged.jpg');
    assert.ok(String(item.description).length > 5, 'the reason is missing');
    assert.equal(item.command?.command, 'seedmask.openPhoto');
  });

  it('skips what is done', async () => {
    const [summary] = (await vscode.commands.executeCommand('seedmask.generate', vscode.Uri.file(photos.folder))) as [RunSummary];
    assert.equal(summary.written, 0);
    assert.equal(summary.skipped, 4);
  });

  it('cancels within a second, says so, and resumes', async () => {
    const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');
    assert.ok(extension);
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const { folder } = makePhotoFolder(extension.extensionPath, join(workspace, 'cancelled'));
    const run = vscode.commands.executeCommand('seedmask.generate', vscode.Uri.file(folder)) as Thenable<(RunSummary | undefined)[]>;
    await until(() => services.run.line.includes('features'), 60_000);
    const asked = performance.now();
    await vscode.commands.executeCommand('seedmask.cancel');
    const [stopped] = await run;
    const ms = performance.now() - asked;
    console.log(`      cancelled in ${ms.toFixed(0)} ms`);
    assert.ok(ms < 1000, `cancel took ${ms.toFixed(0)} ms`);
    assert.ok(stopped === undefined || stopped.state === 'cancelled');
    assert.equal(services.run.summary, undefined);
    await until(async () => (await services.runsView.resumable()).some(({ root }) => root === folder), 20_000);
    const resumed = (await vscode.commands.executeCommand('seedmask.resume', folder)) as RunSummary;
    assert.equal(resumed.state, 'done');
    assert.equal(resumed.written + resumed.skipped, 4);
  });

  it('refuses a second run while one lives', async () => {
    const folder = vscode.Uri.file(photos.folder);
    const first = vscode.commands.executeCommand('seedmask.generate', folder) as Thenable<(RunSummary | undefined)[]>;
    await until(() => services.run.summary !== undefined, 5000);
    assert.equal(await vscode.commands.executeCommand('seedmask.generate', folder), undefined);
    assert.equal((await first)[0]?.state, 'done');
  });
});

function idsOf(mask: string): Set<number> {
  return new Set(decodeMask(readFileSync(mask)).labels.data);
}

/** @throws if the folder's table has no such class. */
function classId(folder: string, name: string): number {
  const table = JSON.parse(readFileSync(join(folder, '.seedmask/classes.json'), 'utf8')) as { classes: { id: number; name: string }[] };
  const found = table.classes.find(entry => entry.name === name);
  assert.ok(found, `${name} has no id`);
  return found.id;
}

async function until(condition: () => boolean | Promise<boolean>, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `did not happen within ${ms} ms`);
    await new Promise(done => setTimeout(done, 20));
  }
}
