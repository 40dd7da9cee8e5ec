/**
 * The main job as a person sees it: one notification with the progress and a cancel button, a status bar item, one summary with the
 * counts. Whatever fails is told once, at the end.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../shared/errors';
import type { EngineEvent, RunSummary } from '../shared/protocol';
import { progressLine } from '../shared/runTexts';
import { type RunSettings } from '../shared/settings';
import { exists } from './dataSets';
import { maskNames } from './photoNames';
import { fractionDone, summaryLine } from './progressText';
import type { Services } from './services';
import { readSettings } from './settings';
import type { Target } from './target';

const RESUME = 'Resume';
/** Notifications are redrawn at most this often, in ms. */
const REDRAW_MS = 150;

/** The settings that hold for a folder. @throws SeedMaskError 'bad-settings'. */
export function settingsFor(root: string): RunSettings {
  const uri = vscode.Uri.file(root);
  const base = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? root;
  return readSettings(vscode.workspace.getConfiguration('seedmask', uri), base);
}

/**
 * Makes the masks of a target. The summary message is shown, not waited for.
 * @returns the run's summary; undefined when it was cancelled before it could leave one.
 * @throws SeedMaskError when the run could not start or a run lives already.
 */
export function generate(services: Services, target: Target, settings: RunSettings, resume = false): Promise<RunSummary | undefined> {
  services.log.info(`${resume ? 'Resuming' : 'Making'} masks in ${target.root}${target.photos ? ` (${target.photos.length} photos)` : ''}`);
  const params = { root: target.root, settings, ...(target.photos && { photos: target.photos }), ...(resume && { resume }) };
  return runJob(services, target.root, settings.outputName, options => services.engine.request('generate', params, options));
}

/**
 * A job that writes masks called `outputName`, from its start to its summary, which is shown, not waited for.
 * @throws SeedMaskError when it could not start or a run lives already
 */
export async function runJob(
  services: Services,
  root: string,
  outputName: string,
  ask: (options: { signal: AbortSignal; onEvent: (event: EngineEvent) => void }) => Promise<RunSummary>,
): Promise<RunSummary | undefined> {
  const { run, log, runsView, dataSets } = services;
  if (run.summary) throw new SeedMaskError('locked', `a run on ${basename(run.summary.root)} is under way in this window`);
  const signal = run.start(root);
  let firstWritten: string | undefined;
  try {
    await dataSets.remember(root);
    const options: vscode.ProgressOptions = { location: vscode.ProgressLocation.Notification, title: `SeedMask: ${basename(root)}`, cancellable: true };
    const summary = await vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => run.cancel());
      progress.report({ message: 'starting the engine' });
      let shown = 0;
      let drawn = 0;
      return ask({
        signal,
        onEvent: event => {
          run.event(event);
          if (event.type === 'photo') {
            if (event.state === 'written') firstWritten ??= event.photo;
            if (event.state === 'failed') log.warn(`${event.photo}: ${event.message ?? 'failed'}`);
          }
          if (event.type !== 'progress') return;
          const now = Date.now();
          if (now - drawn < REDRAW_MS && event.done < event.total) return;
          drawn = now;
          const percent = 100 * fractionDone(event);
          progress.report({ message: progressLine(event), increment: Math.max(0, percent - shown) });
          shown = Math.max(shown, percent);
        },
      });
    });
    for (const note of summary.notes) log.info(note);
    log.info(summaryLine(summary));
    void showSummary(services, summary, outputName, firstWritten);
    return summary;
  } catch (error) {
    if (!(error instanceof SeedMaskError && error.reason === 'cancelled')) throw error;
    log.info(`Cancelled: ${root}`);
    void offerResume(root);
    return undefined;
  } finally {
    run.end();
    void runsView.refresh();
  }
}

async function showSummary(services: Services, summary: RunSummary, outputName: string, firstWritten: string | undefined): Promise<void> {
  const open = 'Open Results';
  const review = 'Review Masks';
  const failures = 'Show Failed Photos';
  const log = 'Show Log';
  const bad = summary.failed.length > 0 || summary.state === 'failed';
  // A debiasing is gone on with by starting it again.
  const stopped = summary.job !== 'debias' && (summary.state === 'cancelled' || summary.state === 'interrupted');
  const buttons = [open, ...(summary.written > 0 ? [review] : []), ...(stopped ? [RESUME] : []), ...(summary.failed.length ? [failures] : []), log];
  const choice = await (bad ? vscode.window.showWarningMessage : vscode.window.showInformationMessage)(summaryLine(summary), ...buttons);
  if (choice === open) await openResults(summary.root, outputName, firstWritten);
  else if (choice === review) await vscode.commands.executeCommand('seedmask.review.open', vscode.Uri.file(summary.root));
  else if (choice === failures) await vscode.commands.executeCommand('seedmask.runs.focus');
  else if (choice === RESUME) await vscode.commands.executeCommand('seedmask.resume', summary.root);
  else if (choice === log) services.log.show(true);
}

/** After an engine that could not stop by itself: it left no summary. */
async function offerResume(root: string): Promise<void> {
  const choice = await vscode.window.showInformationMessage('SeedMask: cancelled. Masks that were finished stay; the rest can be resumed.', RESUME);
  if (choice === RESUME) await vscode.commands.executeCommand('seedmask.resume', root);
}

/** Shows the first mask that was written, in the Explorer and as a picture; the folder where none was. */
async function openResults(root: string, outputName: string, photo: string | undefined): Promise<void> {
  const folder = vscode.Uri.file(root);
  const parent = photo === undefined ? folder : vscode.Uri.joinPath(folder, photo, '..');
  for (const name of photo === undefined ? [] : maskNames(photo, outputName)) {
    const mask = vscode.Uri.joinPath(parent, name);
    if (!(await exists(mask))) continue;
    await vscode.commands.executeCommand('vscode.open', mask);
    await vscode.commands.executeCommand('revealInExplorer', mask);
    return;
  }
  await vscode.commands.executeCommand('revealInExplorer', folder);
}
