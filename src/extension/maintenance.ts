/**
 * Small jobs around the main one: clear the cache, tell the device, write a report that a person can paste.
 */
import * as vscode from 'vscode';
import type { DeviceReport } from '../shared/protocol';
import { settingsFor } from './generate';
import { bytesText } from './progressText';
import { deviceReport } from './reportText';
import type { Services } from './services';
import { working } from './working';

/** @returns bytes freed. */
export async function clearCaches({ engine, log }: Services, roots: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const root of roots) bytes += (await engine.request('clearCache', { root })).bytes;
  log.info(`Cleared ${bytesText(bytes)} of cached features in ${roots.join(', ')}`);
  void vscode.window.showInformationMessage(bytes > 0 ? `SeedMask: ${bytesText(bytes)} of cached features cleared.` : 'SeedMask: no features were cached there.');
  return bytes;
}

/** Which device would run with the settings of the first workspace folder. */
export async function showDevice({ engine, reports }: Services): Promise<DeviceReport> {
  const { device, cudaProviderDir, backbone } = settingsFor(firstFolder());
  const report = await working('SeedMask: checking devices', signal =>
    engine.request('device', { device, ...(cudaProviderDir && { cudaProviderDir }), ...(backbone && { backbone }) }, { signal }),
  );
  const details = 'Details';
  const change = 'Change…';
  void vscode.window.showInformationMessage(`SeedMask runs on ${report.label}.`, details, change).then(async choice => {
    if (choice === details) await reports.show('SeedMask device', deviceReport(report));
    if (choice === change) await vscode.commands.executeCommand('workbench.action.openSettings', 'seedmask.device');
  });
  return report;
}

/** A report about versions, devices, models, settings and the last errors (of the data set that ran last); names of photos only when wanted. */
export async function diagnose({ engine, reports, runsView }: Services): Promise<string | undefined> {
  const without = 'Leave photo names out';
  const choice = await vscode.window.showQuickPick([without, 'Include photo names'], { title: 'SeedMask: Diagnose', placeHolder: 'The report is made to be pasted into an issue' });
  if (!choice) return undefined;
  await runsView.refresh();
  const root = runsView.runs[0]?.root ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const { report } = await working('SeedMask: diagnosing', signal =>
    engine.request('diagnose', { ...(root !== undefined && { root }), photoNames: choice !== without, settings: settingsFor(root ?? firstFolder()) }, { signal }),
  );
  const text = `${report.trimEnd()}\n\nVS Code ${vscode.version}, ${vscode.env.remoteName ? `remote (${vscode.env.remoteName})` : 'local'}, ${vscode.env.appHost}\n`;
  await reports.show('SeedMask diagnosis', text);
  const copy = 'Copy';
  void vscode.window.showInformationMessage('SeedMask: the report is ready.', copy).then(async picked => {
    if (picked === copy) await vscode.env.clipboard.writeText(text);
  });
  return text;
}

function firstFolder(): string {
  return vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd();
}
