/**
 * The editor of reviews as VS Code knows it: opens documents, makes their pages, and hands save, revert and hot exit on to them. It also knows which reviews are open
 * and which one a person is at, for commands and views. What only an open review needs is loaded with the first one.
 */
import { basename, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { describeError, SeedMaskError } from '../../shared/errors';
import { REVIEW_COMMANDS, type ReviewCommand } from '../../shared/reviewCommands';
import type { Engine } from '../engine';
import type { CurrentRun } from '../currentRun';
import { exists } from '../dataSets';
import { pageHtml, pageOptions } from '../html';
import { dataSetRoot, onDisk, openFolderDialog } from '../target';
import { Backups } from './backups';
import type { PageLink } from './pageLink';
import type { ReviewContext, ReviewDocument } from './reviewDocument';
import type { ReviewEngine } from './reviewEngine';

export const VIEW_TYPE = 'seedmask.review';

export interface ReviewParts {
  extension: vscode.ExtensionContext;
  engine: Engine;
  reviewEngine: ReviewEngine;
  run: CurrentRun;
  log: vscode.LogOutputChannel;
}

export class Reviews implements vscode.CustomEditorProvider<ReviewDocument>, vscode.Disposable {
  readonly #documents = new Set<ReviewDocument>();
  readonly #edited = new vscode.EventEmitter<vscode.CustomDocumentContentChangeEvent<ReviewDocument>>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #parts: vscode.Disposable[];
  readonly #backups: Backups;
  /** Commands that the page carries out: there with the first review, since nothing else can call them. */
  #commands: vscode.Disposable | undefined;
  #active: { document: ReviewDocument; page: PageLink } | undefined;
  readonly onDidChangeCustomDocument = this.#edited.event;
  /** Another review is active, or something of it is another. */
  readonly onDidChange = this.#changed.event;

  constructor(private readonly parts: ReviewParts) {
    this.#backups = new Backups(parts.extension.storageUri ?? parts.extension.globalStorageUri);
    let running = false;
    this.#parts = [
      parts.run.onDidChange(() => {
        const ended = running && !parts.run.summary;
        const started = !running && parts.run.summary !== undefined;
        running = parts.run.summary !== undefined;
        for (const document of this.#documents) {
          if (started || ended) document.changed('session');
          if (ended) void document.refresh().catch((error: unknown) => parts.log.warn(`Review of ${document.root}: ${describeError(error)}`));
        }
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#documents.forEach(document => document.changed('session'))),
    ];
  }

  /** The review a person is at, or was last. */
  get active(): ReviewDocument | undefined {
    return this.#active?.document ?? [...this.#documents].at(-1);
  }

  get documents(): ReadonlySet<ReviewDocument> {
    return this.#documents;
  }

  /** The review of a data set, where one is open. */
  of(root: string): ReviewDocument | undefined {
    return [...this.#documents].find(document => document.root === root);
  }

  /** Brings a review to the front, at a photo. */
  reveal(document: ReviewDocument, index: number): void {
    const [page] = [...document.pages].sort((a, b) => Number(b.panel.visible) - Number(a.panel.visible));
    if (!page) return;
    document.goTo(index);
    page.panel.reveal();
  }

  async openCustomDocument(uri: vscode.Uri, { backupId }: vscode.CustomDocumentOpenContext): Promise<ReviewDocument> {
    onDisk(uri);
    this.#commands ??= this.#registerCommands();
    const { ReviewDocument } = await import('./reviewDocument');
    const { settingsFor } = await import('../generate');
    const { reviewKeys } = await import('./keys');
    const { reviewEngine, log, run, extension } = this.parts;
    const root = await dataSetRoot(uri);
    const { outputName, tagsFile, backgroundNames } = settingsFor(root);
    const queue = await reviewEngine.request('reviewQueue', { root, settings: { outputName, ...(tagsFile !== undefined && { tagsFile }), backgroundNames } });
    const id = relative(root, uri.fsPath).split(sep).join('/');
    const start = queue.items.findIndex(({ photo, mask }) => photo === id || mask === id);
    if (start < 0) throw new SeedMaskError('no-photos', `this is neither a photo of ${root} nor the mask of one`, id);
    const context: ReviewContext = { engine: reviewEngine, log, keys: reviewKeys(extension.extension.packageJSON), run: () => (run.summary ? `A run on ${basename(run.summary.root)} is under way; the status bar tells how far it is.` : null) };
    const document = new ReviewDocument(uri, root, queue, start, context);
    // Left behind where the window was reloaded; who closes a review begins at the file that is opened.
    const last = extension.workspaceState.get<string>(placeKey(uri));
    document.current = (last === undefined ? undefined : document.indexOf(last)) ?? start;
    document.photos.truth = extension.workspaceState.get<string>(truthKey(root));
    const backup = backupId === undefined ? this.#backups.of(uri) : vscode.Uri.parse(backupId);
    if (await exists(backup)) await this.#restore(document, backup);
    document.photos.watch();
    log.info(`Review of ${root}: ${queue.items.length} photos${document.edits.dirty.length > 0 ? `, unsaved edits of ${document.edits.dirty.length} brought back` : ''}`);
    this.#documents.add(document);
    document.onDidEdit(event => this.#edited.fire(event));
    document.onDidChange(() => this.#changed.fire());
    document.onDidDispose(() => {
      this.#documents.delete(document);
      // Who closes it has saved or given up what was unsaved.
      this.#backups.forget(uri);
      if (this.#active?.document === document) this.#active = undefined;
      void extension.workspaceState.update(placeKey(uri), undefined);
      this.#changed.fire();
    });
    return document;
  }

  async resolveCustomEditor(document: ReviewDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { askHandlers } = await import('./asks');
    const { PageLink } = await import('./pageLink');
    const { Rerun } = await import('./rerun');
    const { extension, engine, run, log } = this.parts;
    panel.webview.options = pageOptions(extension.extensionUri, vscode.Uri.file(document.root));
    const handlers = askHandlers(document, {
      rerun: new Rerun(engine, run),
      remember: (_, photo) => void extension.workspaceState.update(placeKey(document.uri), photo),
      pickTruth: () => this.#pickTruth(document),
    });
    const page = new PageLink(panel, handlers, document.current, log);
    document.pages.add(page);
    this.#activate(document, page, panel.active);
    panel.onDidChangeViewState(() => this.#activate(document, page, panel.active));
    panel.onDidDispose(() => {
      document.pages.delete(page);
      if (this.#active?.page === page) this.#active = undefined;
      this.#changed.fire();
    });
    panel.webview.html = pageHtml(panel.webview, extension.extensionUri, 'review');
  }

  async saveCustomDocument(document: ReviewDocument, token: vscode.CancellationToken): Promise<void> {
    try {
      await document.save(token);
    } catch (error) {
      throw new Error(describeError(error), { cause: error });
    }
  }

  saveCustomDocumentAs(): Promise<void> {
    return Promise.reject(new Error('The masks of a review belong to their photos and are saved beside them; there is no other place to save them to.'));
  }

  revertCustomDocument(document: ReviewDocument): Promise<void> {
    return document.revert();
  }

  backupCustomDocument(document: ReviewDocument): Promise<vscode.CustomDocumentBackup> {
    return document.inTurn(() => this.#backups.write(document.uri, document.backup()));
  }

  dispose(): void {
    vscode.Disposable.from(...this.#parts, this.#edited, this.#changed).dispose();
    this.#commands?.dispose();
  }

  #registerCommands(): vscode.Disposable {
    const register = (name: ReviewCommand): vscode.Disposable => vscode.commands.registerCommand(`seedmask.review.${name}`, () => this.#active?.page.tell('command', { name }));
    return vscode.Disposable.from(...REVIEW_COMMANDS.map(register));
  }

  #activate(document: ReviewDocument, page: PageLink, active: boolean): void {
    if (active) this.#active = { document, page };
    this.#changed.fire();
  }

  async #restore(document: ReviewDocument, backup: vscode.Uri): Promise<void> {
    try {
      document.restore(await vscode.workspace.fs.readFile(backup));
    } catch (error) {
      this.parts.log.error(`Unsaved edits of ${document.root}: ${describeError(error)}`);
      void vscode.window.showErrorMessage(`SeedMask: unsaved edits of ${document.name} could not be brought back (${describeError(error)}). The masks are shown as they are on disk.`);
    }
  }

  async #pickTruth(document: ReviewDocument): Promise<void> {
    const folder = await openFolderDialog(`True masks for ${document.name}`, 'Show', vscode.Uri.file(document.root));
    if (folder === undefined) return;
    await this.parts.extension.workspaceState.update(truthKey(document.root), folder);
    document.photos.truth = folder;
    document.photos.reloadAll();
  }
}

function placeKey(uri: vscode.Uri): string {
  return `review.place:${uri.toString()}`;
}

function truthKey(root: string): string {
  return `review.truth:${root}`;
}
