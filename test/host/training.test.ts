/**
 * A training through the extension, with the real engine: its curves in a tab while it goes on, cancel, resume in the same tab, what is found of it afterwards, and masks
 * made by what it learnt.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { settingsFor } from '../../src/extension/generate';
import { policy } from '../../src/extension/html';
import type { Services } from '../../src/extension/services';
import { readLines, runFolder, sampleFile } from '../../src/extension/training/runFiles';
import { train } from '../../src/extension/training/train';
import type { TrainingPanel } from '../../src/extension/training/trainingPanel';
import { TRAINING_VIEW } from '../../src/extension/training/trainings';
import type { SeedMaskError } from '../../src/shared/errors';
import type { RunSummary } from '../../src/shared/protocol';
import type { RunSettings } from '../../src/shared/settings';
import { TrainingHistory } from '../../src/shared/trainingHistory';
import { makePhotoFolder, type PhotoFolder } from '../photos';
import { writeSmallPreset } from '../smallTraining';

const EPOCHS = 3;

describe('training', function () {
  this.timeout(400_000);
  let services: Services;
  let photos: PhotoFolder;
  let settings: RunSettings;
  let run: RunSummary;

  before(async () => {
    const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');
    assert.ok(extension);
    services = await extension.activate();
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    photos = makePhotoFolder(extension.extensionPath, join(workspace, 'trained'));
    const presetFile = join(workspace, 'small.json');
    writeSmallPreset(extension.extensionPath, presetFile, EPOCHS);
    settings = { ...settingsFor(photos.folder), preset: 'standard', presetFile, saliency: false };
  });

  after(() => services.trainings.panels.forEach(({ panel }) => panel.dispose()));

  it('opens a tab that hears what the engine tells, and is cancelled', async () => {
    const ended = train(services, photos.folder, settings);
    const begun = Promise.race([ended.then(summary => assert.fail(`the training ended at once: ${summary?.error}`)), until(() => onlyPanel().lines.some(({ type }) => type === 'metrics'), 240_000, 'the first point of a curve')]);
    // The tab is there at once.
    const panel = onlyPanel();
    assert.deepEqual([panel.run, panel.status().state, panel.status().preset], [undefined, 'running', 'standard']);
    assert.deepEqual(panel.status().commands, ['cancel', 'showLog']);
    assert.equal(await vscode.commands.executeCommand('seedmask.generate', vscode.Uri.file(photos.folder)), undefined, 'a second run was let in');
    await begun;
    assert.match(services.run.line, /steps · training · loss \d|making|first labels/);
    assert.equal(panel.run, services.run.summary?.id);
    const [living] = await services.runsView.getChildren();
    assert.ok(living.kind === 'run' && living.run.job === 'train');
    assert.match(labelOf(living), /^trained · training · running$/);
    const [stage] = await services.runsView.getChildren(living);
    assert.match(labelOf(stage), /^Decoder · epoch 1\/\d+ · step \d+\/\d+ · loss \d/);
    await panel.receive({ type: 'command', name: 'cancel' });
    // An engine that did not hear in time is ended: then there is no summary. The error is of the extension's bundle, so the catch in this one does not know it.
    const stopped = await ended.catch((error: SeedMaskError): undefined => {
      assert.equal(error.reason, 'cancelled');
      return undefined;
    });
    assert.ok(stopped === undefined || stopped.state === 'cancelled', stopped?.state);
    assert.equal(services.run.summary, undefined);
  });

  it('is a training to resume, not a run to resume', async () => {
    const [training] = await services.runsView.resumableTrainings();
    assert.equal(training.root, photos.folder);
    assert.ok(!(await services.runsView.resumable()).some(({ root }) => root === photos.folder));
    await until(() => ['cancelled', 'interrupted'].includes(onlyPanel().status().state), 10_000, 'the state in the tab');
    assert.deepEqual(onlyPanel().status().commands, ['resume', 'showLog']);
    const [node] = await services.runsView.getChildren();
    assert.equal(services.runsView.getTreeItem(node).contextValue, 'resumableTraining');
  });

  it('goes on in its tab and to its end', async () => {
    const before = onlyPanel().run;
    run = (await vscode.commands.executeCommand('seedmask.resumeTraining', photos.folder)) as RunSummary;
    assert.equal(run.state, 'done');
    assert.equal(run.id, before);
    const panel = onlyPanel();
    await until(() => panel.status().state === 'done', 10_000, 'the state in the tab');
    assert.deepEqual(panel.status().commands, ['generate', 'showLog']);
    assert.deepEqual(panel.status().classes.map(({ name }) => name).sort(), ['airplane', 'background', 'boat', 'cat', 'sheep']);
    const told = historyOf(panel);
    const last = told.stages[0].points.at(-1);
    assert.deepEqual([last?.epoch, last?.step], [last?.epochs, last?.steps]);
    assert.equal(told.samples.length, 2);
    assert.deepEqual(told.samples[0].frames.map(({ epoch }) => epoch), Array.from({ length: 1 + (last?.epochs ?? 0) }, (_, epoch) => epoch));
  });

  it('left on disk what the tab was told, and a tab of another window reads it', async () => {
    const told = historyOf(onlyPanel());
    const history = new TrainingHistory();
    for (const line of await readLines(run.root, run.id)) history.add(line);
    assert.deepEqual(history, told);
    onlyPanel().panel.dispose();
    const [node] = await services.runsView.getChildren();
    await vscode.commands.executeCommand('seedmask.showTraining', node);
    await until(() => onlyPanel().lines.length > 0, 20_000, 'the page of the tab to ask');
    assert.deepEqual(historyOf(onlyPanel()), told);
    const { frames } = told.samples[0];
    for (const path of [frames[0].mask, frames[0].picture]) assert.ok(existsSync(sampleFile(run.root, run.id, path)?.fsPath ?? ''), path);
  });

  it('a window that is reloaded shows it again, and nothing that it does not know', async () => {
    onlyPanel().panel.dispose();
    const restored = async (state: unknown): Promise<boolean> => {
      let isThere = true;
      const panel = vscode.window.createWebviewPanel(TRAINING_VIEW, 'restored', vscode.ViewColumn.Active);
      panel.onDidDispose(() => (isThere = false));
      await services.trainings.deserializeWebviewPanel(panel, state);
      return isThere;
    };
    assert.equal(await restored({ root: '/etc', run: run.id }), false);
    assert.equal(await restored({ root: run.root, run: '../..' }), false);
    assert.equal(await restored(undefined), false);
    assert.equal(await restored({ root: run.root, run: null }), true, 'the newest training is meant');
    assert.equal(onlyPanel().run, run.id);
    await until(() => onlyPanel().lines.length > 0, 20_000, 'the page of the tab to ask');
  });

  it('survives what a page may say', async () => {
    const panel = onlyPanel();
    for (const message of [undefined, 'cancel', { type: 'command', name: 'reboot' }, { type: 'lines', lines: [] }]) await panel.receive(message);
    await panel.receive({ type: 'command', name: 'cancel' });
    assert.equal(panel.status().state, 'done');
  });

  it('reads nothing outside of its run\'s folder', () => {
    for (const path of ['../run.json', 'samples/../../x.png', '/etc/passwd', 'a\\b.png', 'C:/x.png', '', 'samples//x.png']) assert.equal(sampleFile(run.root, run.id, path), undefined, path);
    assert.throws(() => runFolder(run.root, '../..'), RangeError);
    assert.equal(policy('SOURCE', 'N', 'training'), "default-src 'none'; img-src SOURCE; style-src SOURCE; font-src SOURCE; script-src 'nonce-N'");
  });

  it('makes masks by what it learnt, with its preset, and sets nothing', async () => {
    const made = (await vscode.commands.executeCommand('seedmask.generateTrained', run.root, run.id)) as RunSummary;
    assert.deepEqual([made.state, made.written, made.preset, made.failed], ['done', 4, 'standard', []]);
    assert.ok(!made.notes.some(note => /training anew|trains first/.test(note)), made.notes.join('\n'));
    const manifest = readFileSync(join(run.root, '.seedmask/manifest.jsonl'), 'utf8');
    assert.equal(manifest.split('\n').filter(Boolean).length >= 4, true);
    assert.equal(vscode.workspace.getConfiguration('seedmask').get('preset'), 'quick');
    assert.equal(settingsFor(run.root).presetFile, undefined);
  });

  function onlyPanel(): TrainingPanel {
    const [panel, ...others] = services.trainings.panels;
    assert.ok(panel && others.length === 0, `${others.length + (panel ? 1 : 0)} tabs of trainings`);
    return panel;
  }

  function labelOf(node: Awaited<ReturnType<Services['runsView']['getChildren']>>[number]): string {
    return String(services.runsView.getTreeItem(node).label);
  }
});

function historyOf({ lines }: TrainingPanel): TrainingHistory {
  const history = new TrainingHistory();
  for (const line of lines) history.add(line);
  return history;
}

async function until(condition: () => boolean | Promise<boolean>, ms: number, what: string): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `${what}: not within ${ms} ms`);
    await new Promise(done => setTimeout(done, 20));
  }
}
