/**
 * What a command was asked to work on: folders from the Explorer, a folder picked from the palette, or photos with the data set they
 * belong to.
 */
import { dirname, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../shared/errors';
import { exists, isDataSet, type DataSets } from './dataSets';
import { PHOTO_NAME } from './photoNames';

/** A data set's root on disk and, when only some photos are meant, their paths below it (posix separators). */
export interface Target {
  root: string;
  photos?: string[];
}

/** Files that say "the tags of everything below lie here". */
const TAG_SOURCES = ['tags.json', 'tags.csv', 'tags.tsv', 'Annotations', '_annotations.coco.json'];

/**
 * The folders a command means. From the Explorer: the selected ones; from the palette: the person is asked.
 * @returns undefined when the person turned away.
 */
export async function folderTargets(dataSets: DataSets, title: string, clicked?: vscode.Uri, selected?: readonly vscode.Uri[]): Promise<string[] | undefined> {
  if (clicked) {
    const uris = selected?.length ? selected : [clicked];
    const folders: string[] = [];
    for (const uri of uris) {
      onDisk(uri);
      if (((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.Directory) !== 0) folders.push(uri.fsPath);
    }
    if (folders.length === 0) throw new SeedMaskError('refused-path', `${clicked.fsPath} is not a folder`);
    return folders;
  }
  const picked = await pickFolder(dataSets, title);
  return picked ? [picked] : undefined;
}

/** Photos selected in the Explorer, or the one shown in the active editor, grouped by data set. */
export async function photoTargets(clicked?: vscode.Uri, selected?: readonly vscode.Uri[]): Promise<Target[]> {
  const start = clicked ?? activePhoto();
  const uris = selected?.length ? selected : start ? [start] : [];
  const photos = uris.filter(uri => PHOTO_NAME.test(uri.path.slice(uri.path.lastIndexOf('/') + 1)));
  if (photos.length === 0) throw new SeedMaskError('no-photos', 'no photo is selected');
  const targets = new Map<string, string[]>();
  for (const photo of photos) {
    onDisk(photo);
    const root = await dataSetRoot(photo);
    const below = relative(root, photo.fsPath).split(sep).join('/');
    targets.set(root, [...(targets.get(root) ?? []), below]);
  }
  return [...targets].map(([root, below]) => ({ root, photos: below }));
}

/** Asks for a folder with the dialog. */
export async function openFolderDialog(title: string, openLabel: string, start?: vscode.Uri): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({ title, openLabel, canSelectFiles: false, canSelectFolders: true, canSelectMany: false, defaultUri: start });
  if (!picked?.[0]) return undefined;
  onDisk(picked[0]);
  return picked[0].fsPath;
}

async function pickFolder(dataSets: DataSets, title: string): Promise<string | undefined> {
  const workspaceFolders = vscode.workspace.workspaceFolders?.filter(folder => folder.uri.scheme === 'file').map(folder => folder.uri.fsPath) ?? [];
  const known = (await dataSets.roots()).filter(root => !workspaceFolders.includes(root));
  const items: (vscode.QuickPickItem & { path?: string })[] = [
    ...known.map(path => ({ label: `$(history) ${vscode.workspace.asRelativePath(path)}`, description: 'has masks of SeedMask', path })),
    ...workspaceFolders.map(path => ({ label: `$(root-folder) ${path.slice(path.lastIndexOf(sep) + 1)}`, description: path, path })),
    { label: '$(folder-opened) Choose a Folder…' },
  ];
  if (items.length === 1) return openFolderDialog(title, 'Choose');
  const choice = await vscode.window.showQuickPick(items, { title, placeHolder: 'Folder of tagged photos' });
  if (!choice) return undefined;
  return choice.path ?? openFolderDialog(title, 'Choose');
}

/**
 * The data set of a photo: the nearest folder above it where runs were made or tags lie, not above the workspace folder; else the
 * folder above the photo's own, whose name is then its tag.
 */
export async function dataSetRoot(photo: vscode.Uri): Promise<string> {
  const own = dirname(photo.fsPath);
  const top = vscode.workspace.getWorkspaceFolder(photo)?.uri.fsPath ?? own;
  for (let folder = own; ; folder = dirname(folder)) {
    const uri = vscode.Uri.file(folder);
    if (await isDataSet(uri)) return folder;
    for (const name of TAG_SOURCES) if (await exists(vscode.Uri.joinPath(uri, name))) return folder;
    if (folder === top || folder === dirname(folder)) break;
  }
  return own === top ? own : dirname(own);
}

function activePhoto(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom ? input.uri : undefined;
}

/** @throws SeedMaskError 'unavailable' for files that are not on a disk of the machine where the engine runs. */
export function onDisk(uri: vscode.Uri): void {
  if (uri.scheme !== 'file') throw new SeedMaskError('unavailable', `SeedMask works on folders on a disk, not on ${uri.scheme}:`);
}
