/**
 * The ways into a review: a folder's next mask that nobody has looked at, or one file. A review of the data set that is open already is brought to the front instead
 * of a second one.
 */
import { relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { QueueItem } from '../../shared/review';
import { exists } from '../dataSets';
import { settingsFor } from '../generate';
import type { Services } from '../services';
import { dataSetRoot, onDisk } from '../target';
import { nextUnreviewed } from './states';
import { VIEW_TYPE } from './reviews';

/** Opens the review of a folder at its next mask to look at. @throws SeedMaskError 'no-photos' when there is none. */
export async function reviewFolder(services: Services, folder: string): Promise<void> {
  const { reviews, reviewEngine, dataSets } = services;
  const root = await dataSetRoot(vscode.Uri.joinPath(vscode.Uri.file(folder), 'any'));
  // A folder inside the data set narrows where to begin; one above it is a data set of its own.
  const below = relative(root, folder).split(sep).join('/');
  const isWithin = ({ photo }: QueueItem): boolean => below === '' || below.startsWith('..') || photo.startsWith(`${below}/`);
  const open = reviews.of(root);
  if (open) {
    const start = nextUnreviewed(open.items, isWithin);
    if (start !== undefined) return reviews.reveal(open, start);
  }
  const { outputName, tagsFile, backgroundNames } = settingsFor(root);
  const { items } = await reviewEngine.request('reviewQueue', { root, settings: { outputName, ...(tagsFile !== undefined && { tagsFile }), backgroundNames } });
  const start = nextUnreviewed(items, isWithin);
  const item = start === undefined ? undefined : items[start];
  if (!item) throw new SeedMaskError('no-photos', `${folder} holds no photos`);
  await dataSets.remember(root);
  const file = (id: string): vscode.Uri => vscode.Uri.joinPath(vscode.Uri.file(root), ...id.split('/'));
  await openEditor((await exists(file(item.mask))) ? file(item.mask) : file(item.photo));
}

/** Opens the review at a photo or at a mask. */
export async function reviewFile({ reviews }: Services, uri: vscode.Uri): Promise<void> {
  onDisk(uri);
  const root = await dataSetRoot(uri);
  const id = relative(root, uri.fsPath).split(sep).join('/');
  const open = reviews.of(root);
  const index = open?.items.findIndex(({ photo, mask }) => photo === id || mask === id);
  if (open && index !== undefined && index >= 0) reviews.reveal(open, index);
  else await openEditor(uri);
}

async function openEditor(uri: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand('vscode.openWith', uri, VIEW_TYPE, { preview: false });
}
