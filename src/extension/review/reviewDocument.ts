/**
 * One review: a data set's queue, what a person has changed in it and not saved, and the pages that show it. VS Code knows it as the custom document of the file it
 * was opened at; edits of every photo of the data set are edits of this document, so undo, save, revert and hot exit are VS Code's own. Masks are kept as runs.
 */
import { basename, relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { describeError, SeedMaskError } from '../../shared/errors';
import type { Choice } from '../../shared/evidence';
import { readBackup, restoreEdits, writeBackup } from '../../shared/maskBackup';
import { MaskEdits, type Base, type Edit, type EditPart } from '../../shared/maskEdits';
import type { Session } from '../../shared/pageMessages';
import type { Mark, Queue, QueueItem } from '../../shared/review';
import { settingsFor } from '../generate';
import type { PageLink } from './pageLink';
import { Photos } from './photos';
import type { ReviewEngine } from './reviewEngine';

/** What the pages are told of the session at most this often, in ms. */
const TELL_MS = 80;

export interface ReviewContext {
  engine: ReviewEngine;
  log: vscode.LogOutputChannel;
  /** Keys of the page's commands. */
  keys: Record<string, string>;
  /** The run that lives in this window, in words. */
  run(): string | null;
}

export class ReviewDocument implements vscode.CustomDocument {
  readonly pages = new Set<PageLink>();
  readonly photos: Photos;
  #edits = new MaskEdits();
  #items: QueueItem[];
  /** Places in the queue, by photo and by mask. */
  #indices = new Map<string, number>();
  #masks = new Map<string, number>();
  #dirty = '';
  /** Edits of a backup, until VS Code's undo stack has them. */
  #restored: Edit[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #telling: NodeJS.Timeout | undefined;
  /** What the pages are to be told: of these photos, or the whole session. */
  #news: Set<number> | 'session' = new Set();
  readonly #edited = new vscode.EventEmitter<vscode.CustomDocumentContentChangeEvent<ReviewDocument>>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposed = new vscode.EventEmitter<void>();
  /** An edit for VS Code's undo stack. */
  readonly onDidEdit = this.#edited.event;
  /** States, dirty photos or the photo on show are others. */
  readonly onDidChange = this.#changed.event;
  readonly onDidDispose = this.#disposed.event;

  constructor(
    readonly uri: vscode.Uri,
    readonly root: string,
    private queue: Queue,
    /** Index of the photo to begin with. */
    public current: number,
    readonly context: ReviewContext,
  ) {
    this.#items = [...queue.items];
    this.#index();
    this.photos = new Photos(this);
  }

  get name(): string {
    return basename(this.root);
  }

  get classes(): Queue['classes'] {
    return this.queue.classes;
  }

  get items(): readonly QueueItem[] {
    return this.#items;
  }

  get edits(): MaskEdits {
    return this.#edits;
  }

  get readOnly(): boolean {
    return !vscode.workspace.isTrusted;
  }

  /** What the engine has to know of the settings. @throws SeedMaskError 'bad-settings'. */
  get settings(): { outputName: string; tagsFile?: string; backgroundNames: string[] } {
    const { outputName, tagsFile, backgroundNames } = settingsFor(this.root);
    return { outputName, ...(tagsFile !== undefined && { tagsFile }), backgroundNames };
  }

  /** @throws SeedMaskError 'bad-message' when there is no such photo. */
  item(index: number): QueueItem {
    const item = this.#items.at(index);
    if (!item) throw new SeedMaskError('bad-message', `the queue has no photo ${index}`);
    return item;
  }

  indexOf(photo: string): number | undefined {
    return this.#indices.get(photo);
  }

  /** The photo that a file is, or is the mask of. */
  photoAt(uri: vscode.Uri): { index: number; isMask: boolean } | undefined {
    const id = relative(this.root, uri.fsPath).split(sep).join('/');
    const index = this.#indices.get(id);
    const mask = index === undefined ? this.#masks.get(id) : undefined;
    return index !== undefined ? { index, isMask: false } : mask !== undefined ? { index: mask, isMask: true } : undefined;
  }

  /** Path of something of the data set, from its id. */
  file(id: string): vscode.Uri {
    return vscode.Uri.joinPath(vscode.Uri.file(this.root), ...id.split('/'));
  }

  session(page: PageLink): Session {
    return {
      name: this.name,
      classes: this.queue.classes,
      items: this.#items,
      current: page.current,
      readOnly: this.readOnly,
      ...this.#unsettled(),
      run: this.context.run(),
      keys: this.context.keys,
      notes: this.queue.notes,
    };
  }

  /** Tells the pages and the window, soon, that these photos' items are others, or that others are dirty or in conflict; 'session': that anything may be another. */
  changed(what: Iterable<number> | 'session' = []): void {
    if (typeof what === 'string') this.#news = what;
    else if (this.#news !== 'session') for (const index of what) this.#news.add(index);
    this.#telling ??= setTimeout(() => this.#tellNews(), TELL_MS);
  }

  /** A page shows this photo now. */
  show(index: number): void {
    this.item(index);
    this.current = index;
    this.#changed.fire();
  }

  /** Makes the pages show a photo. */
  goTo(index: number): void {
    this.show(index);
    for (const page of this.pages) {
      page.current = index;
      page.tell('changed', { index, show: true });
    }
  }

  /** Notes an edit that `page` has made already, and gives it to VS Code. @throws SeedMaskError when it cannot be. */
  edit(edit: Edit, page?: PageLink): Promise<void> {
    return this.inTurn(async () => {
      this.refuseReadOnly();
      const bases = new Map<string, Base>();
      for (const { photo } of edit) if (!this.#edits.mask(photo)) bases.set(photo, await this.photos.base(photo));
      this.#edits.add(edit, photo => bases.get(photo) ?? missing(photo));
      this.#announce(edit);
      // VS Code counts edits and would call this clean where as many were made as had been saved before they were taken back.
      if (edit.some(({ photo }) => this.#edits.isForked(photo))) this.#edited.fire({ document: this });
      this.#show(edit, 'redo', page);
      this.#dirtyChanged();
    });
  }

  /** Gives edits of a backup to VS Code, once it can take them. */
  announceRestored(): void {
    for (const edit of this.#restored.splice(0)) this.#announce(edit);
  }

  /** Writes everything that is not saved. @throws SeedMaskError that names the first photo that could not be. */
  save(token?: vscode.CancellationToken): Promise<void> {
    return this.inTurn(async () => {
      if (this.#edits.dirty.length > 0) this.refuseReadOnly();
      const failures: unknown[] = [];
      for (const photo of this.#edits.dirty) {
        if (token?.isCancellationRequested) break;
        await this.#savePhoto(photo).catch((error: unknown) => failures.push(error));
      }
      this.#dirtyChanged();
      const [first] = failures;
      if (failures.length > 1) this.context.log.warn(failures.map(describeError).join('\n'));
      if (first !== undefined) throw first;
    });
  }

  /** Back to what the files hold. */
  revert(): Promise<void> {
    return this.inTurn(() => {
      const photos = this.#edits.revert();
      this.#restored = [];
      for (const photo of photos) this.photos.reload(photo);
      this.#dirtyChanged();
    });
  }

  /** Unsaved edits as bytes. */
  backup(): Uint8Array {
    return writeBackup(this.#edits, this.root, this.#items.at(this.current)?.photo);
  }

  /** Takes over the edits of a backup. @throws SeedMaskError when it is damaged or another folder's; the document is then as it was. */
  restore(bytes: Uint8Array): void {
    const backup = readBackup(bytes);
    if (backup.root !== this.root) throw new SeedMaskError('bad-message', 'the backup of unsaved edits belongs to another folder');
    this.#edits = restoreEdits(backup);
    this.#restored = this.#edits.photos.flatMap(photo => this.#edits.way(photo).map(part => [part]));
    const index = backup.current === undefined ? undefined : this.indexOf(backup.current);
    if (index !== undefined) this.current = index;
    this.#dirtyChanged();
  }

  /** A person's word on whole masks. Unsaved strokes of these photos are saved by it, since it is a word on what is seen. */
  async mark(photos: readonly string[], mark: Mark): Promise<void> {
    this.refuseReadOnly();
    if (photos.some(photo => this.#edits.isDirty(photo))) {
      await vscode.workspace.save(this.uri);
      const left = photos.find(photo => this.#edits.isDirty(photo));
      if (left !== undefined) throw new SeedMaskError('unavailable', 'the mask has edits that could not be saved', left);
    }
    const { items } = await this.context.engine.request('reviewMark', { root: this.root, settings: this.settings, photos: [...photos], mark });
    this.update(items);
  }

  /** A person's word on removed regions without an edit: written at once. */
  choose(photo: string, evidence: readonly string[], choice: Choice | null, page: PageLink): Promise<void> {
    return this.inTurn(async () => {
      this.refuseReadOnly();
      const file = this.#edits.fileMask(photo) ?? (await this.photos.base(photo));
      const save = { photo, base: file.hash, width: file.width, height: file.height, patches: [], choices: evidence.map(id => ({ evidence: id, choice })), overwrite: false };
      const saved = await this.context.engine.request('reviewSave', { root: this.root, settings: this.settings, save });
      if (saved.outcome === 'conflict') {
        void this.photos.look(photo);
        throw new SeedMaskError('unavailable', 'the mask on disk was changed by something else', photo);
      }
      const index = this.indexOf(photo);
      if (index !== undefined) for (const other of this.pages) if (other !== page) other.tell('changed', { index, show: false });
      this.update([saved.item]);
    });
  }

  /** Takes over new states of photos. */
  update(items: readonly QueueItem[]): void {
    const indices: number[] = [];
    for (const item of items) {
      const index = this.indexOf(item.photo);
      if (index === undefined) continue;
      this.#items[index] = item;
      indices.push(index);
    }
    this.changed(indices);
  }

  /** Reads the queue again. Places in it stay what they are: new photos come last, and one that is gone stays as failed. */
  async refresh(): Promise<void> {
    const queue = await this.context.engine.request('reviewQueue', { root: this.root, settings: this.settings });
    const fresh = new Map(queue.items.map(item => [item.photo, item]));
    const now = this.#items.map((item): QueueItem => fresh.get(item.photo) ?? { ...item, state: 'failed', problem: 'the photo is gone' });
    this.update(now.filter((item, index) => !isDeepStrictEqual(item, this.#items[index])));
    const added = queue.items.filter(({ photo }) => !this.#indices.has(photo));
    if (added.length > 0 || !isDeepStrictEqual([queue.classes, queue.notes], [this.queue.classes, this.queue.notes])) this.changed('session');
    this.queue = queue;
    this.#items = [...this.#items, ...added];
    this.#index();
  }

  /** Forgets the unsaved edits of one photo; the pages load it again. */
  discard(photo: string): void {
    this.#edits.drop(photo);
    this.photos.reload(photo);
    this.#dirtyChanged();
  }

  /** The person's mask stays although the file is another one now. */
  keepMine(photo: string, found: Base | null): void {
    this.#edits.keepMine(photo, found);
    this.#edited.fire({ document: this });
    this.#dirtyChanged();
  }

  /** One after the other: edits, saves and what reads both. */
  inTurn<T>(job: () => Promise<T> | T): Promise<T> {
    const mine = this.#turn.then(job);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** @throws SeedMaskError 'unavailable' where only looking is allowed. */
  refuseReadOnly(): void {
    if (this.readOnly) throw new SeedMaskError('unavailable', 'nothing is changed in a workspace that is not trusted');
  }

  dispose(): void {
    clearTimeout(this.#telling);
    void this.context.engine.hold(this.root, this, []);
    this.#disposed.fire();
    vscode.Disposable.from(this.photos, this.#edited, this.#changed, this.#disposed).dispose();
  }

  #tellNews(): void {
    const news = this.#news;
    this.#telling = undefined;
    this.#news = new Set();
    for (const page of this.pages) {
      if (news === 'session') page.tell('session', this.session(page));
      else page.tell('items', { items: [...news].map(index => ({ index, item: this.item(index) })), ...this.#unsettled() });
    }
    this.#changed.fire();
  }

  /** Places of the photos with unsaved edits, and of those in conflict. */
  #unsettled(): Pick<Session, 'dirty' | 'conflicts'> {
    const indices = (photos: readonly string[]): number[] => photos.flatMap(photo => this.indexOf(photo) ?? []);
    return { dirty: indices(this.#edits.dirty), conflicts: indices(this.photos.conflicts) };
  }

  async #savePhoto(photo: string): Promise<void> {
    const job = this.#edits.save(photo);
    if (!job) return;
    const { done, ...save } = job;
    const saved = await this.context.engine.request('reviewSave', { root: this.root, settings: this.settings, save: { photo, ...save } });
    if (saved.outcome === 'conflict') {
      void this.photos.look(photo);
      throw new SeedMaskError('unavailable', 'the mask on disk was changed by something else; choose in the review which one stays', photo);
    }
    done(saved.hash);
    this.photos.saved(photo, saved.hash);
    this.update([saved.item]);
  }

  #announce(edit: Edit): void {
    this.#edited.fire({
      document: this,
      label: edit[0]?.label,
      undo: () => this.inTurn(() => this.#move(edit, 'undo')),
      redo: () => this.inTurn(() => this.#move(edit, 'redo')),
    } as vscode.CustomDocumentEditEvent<ReviewDocument>);
  }

  #move(edit: Edit, direction: 'undo' | 'redo'): void {
    const parts = direction === 'undo' ? this.#edits.undo(edit) : this.#edits.redo(edit);
    if (parts.length === 0) vscode.window.setStatusBarMessage(`SeedMask: the mask was loaded anew since “${edit[0]?.label ?? 'this edit'}”`, 5000);
    this.#show(parts, direction);
    this.#dirtyChanged();
  }

  /** Brings the pages to what the edits say; `except`: the page that knows. */
  #show(parts: readonly EditPart[], direction: 'undo' | 'redo', except?: PageLink): void {
    for (const [i, { photo, patch, choices }] of parts.entries()) {
      const index = this.indexOf(photo);
      if (index === undefined) continue;
      for (const page of this.pages) {
        if (page === except) continue;
        // A patch carries labels only.
        if (page.current === index && choices.length === 0) page.tell('patch', { index, patch, direction });
        else {
          // Undo shows what it undoes; an edit in one page does not move another.
          const show = except === undefined && i === parts.length - 1;
          if (show) page.current = this.current = index;
          page.tell('changed', { index, show });
        }
      }
    }
  }

  #dirtyChanged(): void {
    const { dirty } = this.#edits;
    const words = dirty.join('\n');
    if (words === this.#dirty) return;
    this.#dirty = words;
    void this.context.engine.hold(this.root, this, dirty);
    this.changed();
  }

  #index(): void {
    this.#indices = new Map(this.#items.map(({ photo }, index) => [photo, index]));
    this.#masks = new Map(this.#items.flatMap(({ mask }, index) => (mask === '' ? [] : [[mask, index] as const])));
  }
}

function missing(photo: string): never {
  throw new SeedMaskError('bad-message', 'there is no mask to edit', photo);
}
