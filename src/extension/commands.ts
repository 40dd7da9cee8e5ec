/**
 * The commands by name. Each handler is wrapped once: it refuses in restricted mode (a `when` clause hides, it does not protect), and what
 * it throws is logged and shown as one message.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describeError, SeedMaskError } from '../shared/errors';
import type { RunSummary } from '../shared/protocol';
import { pickRun, refuseSecondRun } from './pickRun';
import { REVIEW_SHOW, REVIEW_WORK } from './review/commands';
import type { RunNode } from './runsView';
import type { Services } from './services';
import { TRAINING_SHOW, TRAINING_WORK } from './training/commands';
import { working } from './working';

type Handler = (services: Services, ...args: never[]) => unknown;

/** What a person may call from menus: `(clicked, all selected)`, both missing from the palette. */
type ExplorerArgs = [clicked?: vscode.Uri, selected?: vscode.Uri[]];

/** Commands that read or write a folder, or start the engine: trusted workspaces only. */
const WORK: Record<string, Handler> = {
  generate: async (services, ...[clicked, selected]: ExplorerArgs): Promise<(RunSummary | undefined)[]> => {
    const { folderTargets } = await import('./target');
    const { generate, settingsFor } = await import('./generate');
    refuseSecondRun(services);
    const summaries: (RunSummary | undefined)[] = [];
    for (const root of (await folderTargets(services.dataSets, 'Generate Masks', clicked, selected)) ?? []) {
      const summary = await generate(services, { root }, settingsFor(root));
      summaries.push(summary);
      if (summary?.state !== 'done') break;
    }
    return summaries;
  },

  generateWithOptions: async (services, ...[clicked]: ExplorerArgs): Promise<RunSummary | undefined> => {
    const { folderTargets } = await import('./target');
    const { generate, settingsFor } = await import('./generate');
    const { chooseOptions } = await import('./options');
    refuseSecondRun(services);
    const [root] = (await folderTargets(services.dataSets, 'Generate Masks With Options', clicked)) ?? [];
    if (root === undefined) return undefined;
    const settings = await chooseOptions(root, settingsFor(root), options =>
      working('SeedMask: reading the folder', signal => services.engine.request('plan', { root, settings: options }, { signal })),
    );
    return settings && generate(services, { root }, settings);
  },

  generatePhotos: async (services, ...[clicked, selected]: ExplorerArgs): Promise<(RunSummary | undefined)[]> => {
    const { photoTargets } = await import('./target');
    const { generate, settingsFor } = await import('./generate');
    refuseSecondRun(services);
    const summaries: (RunSummary | undefined)[] = [];
    for (const target of await photoTargets(clicked, selected)) {
      const summary = await generate(services, target, settingsFor(target.root));
      summaries.push(summary);
      if (summary?.state !== 'done') break;
    }
    return summaries;
  },

  resume: async (services, from?: RunNode | string): Promise<RunSummary | undefined> => {
    const { generate, settingsFor } = await import('./generate');
    refuseSecondRun(services);
    const root = typeof from === 'string' ? from : (from?.run.root ?? (await pickRun(await services.runsView.resumable(), 'run'))?.root);
    return root === undefined ? undefined : generate(services, { root }, settingsFor(root), true);
  },

  debias: async (services, ...[clicked]: ExplorerArgs): Promise<RunSummary | undefined> => {
    const { folderTargets } = await import('./target');
    const { debias } = await import('./debias');
    refuseSecondRun(services);
    const [root] = (await folderTargets(services.dataSets, 'Debias Masks', clicked)) ?? [];
    return root === undefined ? undefined : debias(services, root);
  },

  evaluate: async (services, ...[clicked]: ExplorerArgs) => {
    const { folderTargets, openFolderDialog } = await import('./target');
    const { evaluate } = await import('./evaluate');
    refuseSecondRun(services);
    const [root] = (await folderTargets(services.dataSets, 'Evaluate Against Masks: folder with the made masks', clicked)) ?? [];
    if (root === undefined) return undefined;
    const truth = await openFolderDialog(`True masks for ${basename(root)}`, 'Compare', vscode.Uri.file(root));
    return truth === undefined ? undefined : evaluate(services, root, truth);
  },

  clearCache: async (services, ...[clicked, selected]: ExplorerArgs) => {
    const { folderTargets } = await import('./target');
    const { clearCaches } = await import('./maintenance');
    refuseSecondRun(services);
    const roots = await folderTargets(services.dataSets, 'Clear Cached Features', clicked, selected);
    return roots && clearCaches(services, roots);
  },

  showDevice: async services => (await import('./maintenance')).showDevice(services),
  diagnose: async services => (await import('./maintenance')).diagnose(services),
  setUpCuda: async services => {
    const { setUpCuda } = await import('./cuda');
    // The check starts the engine afresh.
    refuseSecondRun(services);
    return setUpCuda(services);
  },
  refreshRuns: services => services.runsView.refresh(),
  ...TRAINING_WORK,
  ...REVIEW_WORK,
};

/** Commands that only show or stop something. */
const SHOW: Record<string, Handler> = {
  showLog: services => services.log.show(),
  cancel: services => services.run.cancel(),
  runMenu: async services => {
    const { run } = services;
    if (!run.summary) return;
    const stop = '$(debug-stop) Cancel Run';
    const log = '$(output) Show Log';
    const view = '$(list-tree) Show Runs';
    const curves = '$(graph-line) Show Training';
    const trains = run.summary.job === 'train' || run.training.stages.length > 0;
    const choice = await vscode.window.showQuickPick([stop, ...(trains ? [curves] : []), log, view], { title: `SeedMask: ${basename(run.summary.root)}`, placeHolder: run.line });
    if (choice === stop) run.cancel();
    else if (choice === log) services.log.show();
    else if (choice === curves) await vscode.commands.executeCommand('seedmask.showTraining');
    else if (choice === view) await vscode.commands.executeCommand('seedmask.runs.focus');
  },
  openPhoto: (_, photo: vscode.Uri) => vscode.commands.executeCommand('vscode.open', photo),
  ...TRAINING_SHOW,
  ...REVIEW_SHOW,
};

export function registerCommands(services: Services): vscode.Disposable {
  const register = (name: string, handler: Handler, needsTrust: boolean): vscode.Disposable =>
    vscode.commands.registerCommand(`seedmask.${name}`, async (...args: unknown[]) => {
      try {
        if (needsTrust && !vscode.workspace.isTrusted) throw new SeedMaskError('unavailable', 'SeedMask works in trusted workspaces only');
        // VS Code hands over what the manifest's menus say; handlers name those types.
        return await handler(services, ...(args as never[]));
      } catch (error) {
        report(services, error);
        return undefined;
      }
    });
  return vscode.Disposable.from(
    ...Object.entries(WORK).map(([name, handler]) => register(name, handler, true)),
    ...Object.entries(SHOW).map(([name, handler]) => register(name, handler, false)),
  );
}

function report({ log }: Services, error: unknown): void {
  if (error instanceof vscode.CancellationError || (error instanceof SeedMaskError && error.reason === 'cancelled')) return;
  const known = error instanceof SeedMaskError;
  log.error(known || !(error instanceof Error) ? describeError(error) : (error.stack ?? error.message));
  const show = 'Show Log';
  void vscode.window.showErrorMessage(`SeedMask: ${describeError(error).split('\n')[0]}`, show).then(choice => choice === show && log.show());
}
