/**
 * *Debias Masks…*: removes from the masks of a folder what always comes along with a class; SeedMask's own masks in place, masks from elsewhere as copies beside the photos.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { RunSummary } from '../shared/protocol';
import { runMaskJob, settingsFor } from './generate';
import { MASK_SHARES } from './progressText';
import type { Services } from './services';
import { openFolderDialog } from './target';

/** What debiased masks from elsewhere are called. */
const DEBIASED_NAME = '{stem}.debiased.png';

interface Item extends vscode.QuickPickItem {
  choice: 'own' | 'folder' | 'pattern';
}

/** @param masks where the masks are, as the engine wants it; undefined: the person is asked. `null`: SeedMask's own. */
export async function debias(services: Services, root: string, masks?: string | null): Promise<RunSummary | undefined> {
  const chosen = masks === undefined ? await askForMasks(root) : masks;
  if (chosen === undefined) return undefined;
  const settings = settingsFor(root);
  services.log.info(`Debiasing ${chosen === null ? 'the masks' : `the masks of ${chosen}`} in ${root}`);
  const params = { root, settings, ...(chosen !== null && { masks: chosen }), debiasedName: DEBIASED_NAME };
  return runMaskJob(services, {
    root,
    facts: { job: 'debias' },
    outputName: chosen === null ? settings.outputName : DEBIASED_NAME,
    shares: MASK_SHARES,
    ask: options => services.engine.request('debias', params, options),
  });
}

/** Undefined: the person turned away. */
async function askForMasks(root: string): Promise<string | null | undefined> {
  const items: Item[] = [
    { label: '$(file-media) Masks of SeedMask', description: 'in place; what a person changed or accepted is kept', choice: 'own' },
    { label: '$(folder) Masks in a Folder…', description: `copies beside the photos, ${DEBIASED_NAME}`, choice: 'folder' },
    { label: '$(symbol-string) Masks With a Name…', description: 'beside the photos, like {stem}_sam.png', choice: 'pattern' },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: `SeedMask: debias which masks of ${basename(root)}?`, placeHolder: 'Masks from elsewhere are never written to' });
  if (picked?.choice === 'own') return null;
  if (picked?.choice === 'folder') return openFolderDialog(`Masks for ${basename(root)}`, 'Debias', vscode.Uri.file(root));
  if (picked?.choice !== 'pattern') return undefined;
  return vscode.window.showInputBox({
    title: 'SeedMask: name of the masks',
    prompt: '{stem} is the photo\'s name without extension, {name} the whole name',
    value: '{stem}_mask.png',
    validateInput: value => (/\{(stem|name)\}/.test(value) && /\.png$/i.test(value) ? undefined : 'The name needs {stem} or {name} and must end in .png.'),
  });
}
