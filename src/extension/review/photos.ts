/**
 * The photos of a review as their files are and as the pages saw them last: reads them from the engine, puts the unsaved edits in, and finds out (by content, not by
 * time) when a mask or photo on disk is another one than the page has. A clean one is loaded again; one with unsaved edits is a conflict, which a person decides.
 */
import * as vscode from 'vscode';
import { describeError, SeedMaskError } from '../../shared/errors';
import type { Choice } from '../../shared/evidence';
import type { Base } from '../../shared/maskEdits';
import { runsOf } from '../../shared/maskRuns';
import type { PhotoView } from '../../shared/review';
import type { PageLink } from './pageLink';
import type { ReviewDocument } from './reviewDocument';

/** Masks of files are remembered for this many photos. */
const MOST_REMEMBERED = 64;
/** Changes on disk are looked at when they have paused for this long, in ms. */
const PAUSE_MS = 250;

/** What the file of a mask was when it was looked at. */
interface Seen {
  source: string;
  /** Of the mask; null: there is none. */
  hash: string | null;
  /** What edits start from, or why there can be none. */
  base: Base | string;
  /** A person's words on removed regions, as they are on disk. */
  choices: Map<string, Choice | null>;
}

export class Photos implements vscode.Disposable {
  /** Oldest first. */
  readonly #seen = new Map<string, Seen>();
  /** Photos whose unsaved edits were made on another mask than the file's, with what the file holds. */
  readonly #conflicts = new Map<string, Base | null>();
  /** How often we wrote a photo's mask. */
  readonly #writes = new Map<string, number>();
  /** Photos whose files may have changed. */
  readonly #suspects = new Set<string>();
  /** A file has come that the queue does not know. */
  #isNew = false;
  #pause: NodeJS.Timeout | undefined;
  readonly #watchers: vscode.Disposable[] = [];

  constructor(private readonly document: ReviewDocument) {}

  get conflicts(): string[] {
    return [...this.#conflicts.keys()];
  }

  /** Folder of true masks that are shown beside, if any. */
  truth: string | undefined;

  /** Begins to watch the data set's folder. */
  watch(): void {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(this.document.root), '**/*.{png,jpg,jpeg,webp,gif,tif,tiff,avif}'));
    const suspect = (uri: vscode.Uri): void => this.#suspect(uri);
    this.#watchers.push(watcher, watcher.onDidChange(suspect), watcher.onDidCreate(suspect), watcher.onDidDelete(suspect));
  }

  /** The photo with its layers, for `page`; the mask is the person's, with the unsaved edits. What is news in it is told the other pages. */
  async view(photo: string, page: PageLink): Promise<PhotoView> {
    const { view, isNews } = await this.#readAndJudge(photo);
    if (isNews) this.#tellChanged(photo, page);
    const { edits } = this.document;
    const mine = edits.mask(photo);
    const found = this.#conflicts.get(photo);
    return {
      ...view,
      mask: mine ? { ...(view.mask?.problem !== undefined && !found && { problem: view.mask.problem }), ...mine } : view.mask,
      ...(mine && { maskProblem: undefined }),
      layers: found ? [...view.layers, { kind: 'disk', width: found.width, height: found.height, data: found.runs, made: 'the mask on disk, changed by something else', thresholds: {} }] : view.layers,
      evidence: view.evidence.map(each => {
        const choice = edits.choice(photo, each.id);
        return choice === undefined ? each : { ...each, choice };
      }),
    };
  }

  /** The mask that edits of the photo start from. @throws SeedMaskError when it must not be edited. */
  async base(photo: string): Promise<Base> {
    let seen = this.#seen.get(photo);
    if (!seen) {
      this.#remember(photo, await this.#read(photo));
      seen = this.#seen.get(photo);
    }
    const base = seen?.base ?? 'there is no mask to edit';
    if (typeof base === 'string') throw new SeedMaskError('bad-mask', base, photo);
    return base;
  }

  /** A person's word on a removed region, as it is on disk. */
  choice(photo: string, evidence: string): Choice | null {
    return this.#seen.get(photo)?.choices.get(evidence) ?? null;
  }

  /** Our own write: no news when the watcher tells of it. */
  saved(photo: string, hash: string): void {
    this.#conflicts.delete(photo);
    this.#writes.set(photo, (this.#writes.get(photo) ?? 0) + 1);
    const seen = this.#seen.get(photo);
    const base = this.document.edits.fileMask(photo);
    if (seen && base) this.#seen.set(photo, { ...seen, hash, base });
  }

  /** The pages are to load the photo again, from its file. */
  reload(photo: string): void {
    this.#seen.delete(photo);
    this.#conflicts.delete(photo);
    this.#tellChanged(photo);
  }

  /** Of all photos that pages may have. */
  reloadAll(): void {
    for (const photo of [...this.#seen.keys()]) this.reload(photo);
  }

  /** Looks whether the files are still what the pages have, and tells them when not. @returns whether they are, as far as is known. */
  async look(photo: string): Promise<boolean> {
    const isKnown = this.#seen.has(photo);
    const { isNews } = await this.#readAndJudge(photo);
    if (isNews) this.#tellChanged(photo);
    return isKnown && !isNews;
  }

  /** A person's word on a conflict. */
  resolve(photo: string, how: 'mine' | 'reload' | 'compare'): void {
    const found = this.#conflicts.get(photo);
    const index = this.document.indexOf(photo);
    if (found === undefined || index === undefined) throw new SeedMaskError('unavailable', 'there is nothing to decide', photo);
    if (how === 'compare') {
      // The pages have the mask on disk already, as a layer.
      if (this.document.current !== index) this.document.goTo(index);
      for (const page of this.document.pages) page.tell('command', { name: 'sideBySide' });
      return;
    }
    this.#conflicts.delete(photo);
    this.document.changed();
    if (how === 'reload') this.document.discard(photo);
    else {
      this.document.keepMine(photo, found);
      this.#tellChanged(photo);
    }
  }

  dispose(): void {
    clearTimeout(this.#pause);
    vscode.Disposable.from(...this.#watchers).dispose();
  }

  /** The pages load the photo again; `except`: the one that has it. */
  #tellChanged(photo: string, except?: PageLink): void {
    const index = this.document.indexOf(photo);
    if (index !== undefined) for (const page of this.document.pages) if (page !== except) page.tell('changed', { index, show: false });
  }

  /** Reads the photo and compares it with the unsaved edits. What was read while one of our own saves was under way is read again. */
  async #readAndJudge(photo: string): Promise<{ view: PhotoView; isNews: boolean }> {
    for (;;) {
      const writes = this.#writes.get(photo);
      const view = await this.#read(photo);
      const isNews = await this.document.inTurn(() => (this.#writes.get(photo) === writes ? this.#judge(photo, view) : undefined));
      if (isNews !== undefined) return { view, isNews };
    }
  }

  async #read(photo: string): Promise<PhotoView> {
    const { context, root, settings } = this.document;
    return context.engine.request('reviewPhoto', { root, settings, photo, ...(this.truth !== undefined && { truth: this.truth }) });
  }

  /** @returns whether the pages have something else. */
  #judge(photo: string, view: PhotoView): boolean {
    const { edits } = this.document;
    const found = fileOf(view);
    const hash = found?.hash ?? null;
    const before = this.#seen.get(photo);
    const isNews = before !== undefined && (before.hash !== hash || before.source !== view.source);
    this.#remember(photo, view);
    const mine = edits.mask(photo);
    if (!mine || mine.hash === hash || view.maskProblem !== undefined) {
      if (this.#conflicts.delete(photo)) this.document.changed();
      return isNews;
    }
    if (edits.isDirty(photo)) this.#conflicts.set(photo, found);
    else edits.drop(photo);
    this.document.changed();
    return isNews;
  }

  #remember(photo: string, view: PhotoView): void {
    this.#seen.delete(photo);
    this.#seen.set(photo, { source: view.source, hash: fileOf(view)?.hash ?? null, base: baseOf(view), choices: new Map(view.evidence.map(({ id, choice }) => [id, choice])) });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MOST_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }

  #suspect(uri: vscode.Uri): void {
    const at = this.document.photoAt(uri);
    this.#isNew ||= at === undefined;
    if (at) this.#suspects.add(this.document.item(at.index).photo);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => void this.#lookAtSuspects(), PAUSE_MS);
  }

  async #lookAtSuspects(): Promise<void> {
    const photos = [...this.#suspects];
    let isOther = this.#isNew;
    this.#suspects.clear();
    this.#isNew = false;
    const shown = new Set([...this.document.pages].map(page => this.document.items.at(page.current)?.photo));
    try {
      for (const photo of photos) {
        if (shown.has(photo) || this.document.edits.isDirty(photo)) isOther = !(await this.look(photo).catch(this.#unread)) || isOther;
        else {
          isOther = true;
          if (this.#seen.has(photo)) this.reload(photo);
        }
      }
      // Our own save is no news of the queue. A run writes many masks, and is followed by a look at all of them.
      if (isOther && this.document.context.run() === null) await this.document.refresh();
    } catch (error) {
      this.#unread(error);
    }
  }

  /** A file that cannot be read is another than it was. */
  readonly #unread = (error: unknown): false => {
    this.document.context.log.warn(`Files changed while they are under review: ${describeError(error)}`);
    return false;
  };
}

/** The mask's file; null where there is none. */
function fileOf({ mask }: PhotoView): Base | null {
  return mask && { hash: mask.hash, width: mask.width, height: mask.height, runs: mask.runs };
}

/** What edits of a photo start from: its mask, an empty one where there is none, or the reason why there can be none. */
function baseOf(view: PhotoView): Base | string {
  if (view.maskProblem !== undefined) return view.maskProblem;
  const { mask, width, height } = view;
  if (!mask) return { hash: null, width, height, runs: runsOf(0, width * height) };
  if (mask.width !== width || mask.height !== height) return `the mask is ${mask.width} × ${mask.height} and its photo ${width} × ${height}`;
  return { hash: mask.hash, width, height, runs: mask.runs };
}
