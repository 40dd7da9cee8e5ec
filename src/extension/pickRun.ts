/**
 * Which run a command means, where nobody clicked on one; and the word against a second run.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../shared/errors';
import type { RunSummary } from '../shared/protocol';
import type { Services } from './services';

/** @throws SeedMaskError 'locked' while a run lives in this window: the engine is one process with one device. */
export function refuseSecondRun({ run }: Pick<Services, 'run'>): void {
  if (run.summary) throw new SeedMaskError('locked', `a run on ${basename(run.summary.root)} is under way in this window; cancel it or wait`);
}

/**
 * One of `runs`; the person is asked where there are several.
 * @param what what they are: 'run', 'training'
 * @returns undefined when the person turned away.
 * @throws SeedMaskError 'unavailable' when there is none.
 */
export async function pickRun(runs: readonly RunSummary[], what: string, title = `Resume which ${what}?`): Promise<RunSummary | undefined> {
  if (runs.length === 0) throw new SeedMaskError('unavailable', `there is no ${what} to resume`);
  if (runs.length === 1) return runs[0];
  const items = runs.map(run => ({ label: vscode.workspace.asRelativePath(run.root), description: new Date(run.started).toLocaleString(), run }));
  return (await vscode.window.showQuickPick(items, { title }))?.run;
}
