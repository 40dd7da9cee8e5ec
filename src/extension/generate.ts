/**
 * The main job as a person sees it: it runs (`runJob.ts`), and at its end there is one summary with the counts. Whatever fails is told once, at the end.
 */
import * as vscode from 'vscode';
import type { RunSummary } from '../shared/protocol';
import { type RunSettings } from '../shared/settings';
import { exists } from './dataSets';
import { maskNames } from './photoNames';
import { MASK_SHARES, summaryLine, TRAINING_SHARES } from './progressText';
import { runJob, type Job } from './runJob';
import type { Services } from './services';
import { readSettings } from './settings';
import type { Target } from './target';

const RESUME = 'Resume';

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
  const shares = settings.preset === 'quick' && settings.presetFile === undefined ? MASK_SHARES : TRAINING_SHARES;
  return runMaskJob(services, { root: target.root, outputName: settings.outputName, shares, ask: options => services.engine.request('generate', params, options) });
}

/** A job that writes masks called `outputName`. @throws SeedMaskError when it could not start or a run lives already */
export function runMaskJob(services: Services, { outputName, ...job }: { outputName: string } & Omit<Job, 'ended' | 'cancelled'>): Promise<RunSummary | undefined> {
  return runJob(services, {
    ...job,
    ended: (summary, firstWritten) => {
      services.log.info(summaryLine(summary));
      return showSummary(services, summary, outputName, firstWritten);
    },
    cancelled: () => offerResume(job.root),
  });
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
