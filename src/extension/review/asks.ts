/**
 * What the review page may ask, by name: each answer comes from the document, the engine or VS Code. Whatever changes something is refused in a workspace that is
 * not trusted.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { AskParams } from '../../shared/pageMessages';
import { exists } from '../dataSets';
import type { AskHandlers, PageLink } from './pageLink';
import type { Rerun } from './rerun';
import type { ReviewDocument } from './reviewDocument';

/** Formats that every browser shows; of others the engine makes a preview. */
const SHOWN = /\.(jpe?g|png|webp|gif|avif)$/i;

export interface Jobs {
  rerun: Rerun;
  /** Remembers the photo on show, for a reload of the window. */
  remember(document: ReviewDocument, photo: string): void;
  /** Folder of true masks for a data set, asked for and remembered. */
  pickTruth(document: ReviewDocument): Promise<void>;
}

export function askHandlers(document: ReviewDocument, jobs: Jobs): AskHandlers {
  const { context, root } = document;
  const photoOf = (index: number): string => document.item(index).photo;

  return {
    ready: (_, page) => {
      document.announceRestored();
      return document.session(page);
    },

    photo: async ({ index }, page) => {
      const photo = photoOf(index);
      const view = await document.photos.view(photo, page);
      const url = SHOWN.test(photo) && !view.preview ? page.panel.webview.asWebviewUri(document.file(photo)).toString() : null;
      return { view, url, dirty: document.edits.isDirty(photo) };
    },

    show: ({ index }, page) => {
      document.show(index);
      page.current = index;
      jobs.remember(document, photoOf(index));
      return {};
    },

    edit: async (params, page) => {
      await edit(document, params, page);
      return {};
    },

    mark: async ({ photos, mark }) => {
      await document.mark(photos.map(photoOf), mark);
      return {};
    },

    thumbnails: async ({ longSide, wanted }) => {
      const thumbnails = wanted.map(({ index, cluster }) => ({ photo: photoOf(index), ...(cluster && { cluster }) }));
      return context.engine.request('reviewThumbnails', { root, longSide: Math.min(1024, Math.max(16, longSide)), wanted: thumbnails });
    },

    classes: () => context.engine.request('reviewClasses', { root }),

    choose: async ({ index, evidence, choice }, page) => {
      await document.choose(photoOf(index), evidence, choice, page);
      return {};
    },

    chooseClass: async ({ classId, choice }) => {
      document.refuseReadOnly();
      await jobs.rerun.chooseClass(document, classId, choice);
      return {};
    },

    rerun: async ({ index, tags, hints }) => {
      document.refuseReadOnly();
      await jobs.rerun.photo(document, photoOf(index), { ...(tags && { tags }), ...(hints && { hints }) });
      return {};
    },

    resolve: async ({ index, how }) => {
      if (how !== 'compare') document.refuseReadOnly();
      await document.inTurn(() => document.photos.resolve(photoOf(index), how));
      return {};
    },

    save: async () => {
      document.refuseReadOnly();
      await vscode.workspace.save(document.uri);
      return {};
    },

    command: async ({ name }, page) => {
      await command(document, name, page, jobs);
      return {};
    },
  };
}

async function edit(document: ReviewDocument, { index, label, patch, choices }: AskParams<'edit'>, page: PageLink): Promise<void> {
  const { photo } = document.item(index);
  const was = (evidence: string): AskParams<'edit'>['choices'][number]['choice'] => document.edits.choice(photo, evidence) ?? document.photos.choice(photo, evidence);
  const part = { photo, label: label.slice(0, 200), patch, choices: choices.map(({ evidence, choice }) => ({ evidence, choice, was: was(evidence) })) };
  await document.edit([part], page);
}

async function command(document: ReviewDocument, name: AskParams<'command'>['name'], page: PageLink, jobs: Jobs): Promise<void> {
  const item = document.item(page.current);
  switch (name) {
    case 'undo':
    case 'redo':
      document.refuseReadOnly();
      return vscode.commands.executeCommand(name);
    case 'revealPhoto':
      return vscode.commands.executeCommand('revealInExplorer', document.file(item.photo));
    case 'revealMask': {
      const mask = document.file(item.mask);
      if (!(await exists(mask))) throw new SeedMaskError('unavailable', 'this photo has no mask file yet', item.photo);
      return vscode.commands.executeCommand('revealInExplorer', mask);
    }
    case 'openSettings':
      return vscode.commands.executeCommand('workbench.action.openSettings', '@ext:seedmask.seedmask');
    case 'openKeybindings':
      return vscode.commands.executeCommand('workbench.action.openGlobalKeybindings', 'seedmask.review');
    case 'pickTruth':
      return jobs.pickTruth(document);
  }
}
