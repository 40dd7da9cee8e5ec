/**
 * Masks made anew from within a review: one photo with other tags or hints, or all photos of a class after a word on what was removed of it. This is work of the
 * jobs' engine, so it waits for no run and is refused while one lives.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { Choice } from '../../shared/evidence';
import type { Hints } from '../../shared/review';
import { progressLine } from '../../shared/runTexts';
import type { Engine } from '../engine';
import type { CurrentRun } from '../currentRun';
import { settingsFor } from '../generate';
import { working } from '../working';
import type { ReviewDocument } from './reviewDocument';

export class Rerun {
  constructor(
    private readonly engine: Engine,
    private readonly run: CurrentRun,
  ) {}

  /**
   * Makes one photo's mask anew; unsaved edits of it are given up if the person agrees.
   * @throws SeedMaskError 'locked' while a run lives, 'cancelled' when the person turned away, or why the photo has no new mask.
   */
  async photo(document: ReviewDocument, photo: string, { tags, hints }: { tags?: string[]; hints?: Hints }): Promise<void> {
    this.#refuseSecondRun();
    await giveUpMask(document, photo);
    const { root, settings, context } = document;
    if (tags || hints) {
      const { item } = await context.engine.request('reviewTags', { root, photo, ...(tags && { tags }), ...(hints && { hints }) });
      document.update([item]);
    }
    const tell = (text: string | null): void => {
      const index = document.indexOf(photo);
      if (index !== undefined) for (const page of document.pages) page.tell('working', { index, text });
    };
    this.#refuseSecondRun();
    const signal = this.run.start(root);
    tell('starting');
    try {
      const summary = await this.engine.request('generate', { root, photos: [photo], settings: { ...settingsFor(root), ...settings } }, {
        signal,
        onEvent: event => {
          this.run.event(event);
          if (event.type === 'progress') tell(progressLine(event));
        },
      });
      const [failure] = summary.failed;
      if (failure) throw new SeedMaskError('bad-image', failure.message, photo);
      if (summary.error !== undefined) throw new SeedMaskError('unavailable', summary.error, photo);
      if (summary.kept > 0) throw new SeedMaskError('unavailable', 'the mask was kept, since a person made or changed it; reject it first', photo);
    } finally {
      this.run.end();
      tell(null);
      document.photos.reload(photo);
      await document.refresh();
    }
  }

  /** Accepts or restores all that was removed of a class; masks follow at once. @throws SeedMaskError 'locked' while a run lives. */
  async chooseClass(document: ReviewDocument, classId: number, choice: Choice): Promise<void> {
    this.#refuseSecondRun();
    const known = document.classes.find(({ id }) => id === classId);
    if (!known) throw new SeedMaskError('bad-message', `there is no class ${classId}`);
    if (document.edits.dirty.length > 0) {
      await vscode.workspace.save(document.uri);
      if (document.edits.dirty.length > 0) throw new SeedMaskError('unavailable', 'there are edits that could not be saved');
    }
    const { root, settings } = document;
    const title = `SeedMask: ${known.name}, ${choice === 'restored' ? 'restoring' : 'accepting'} what was removed`;
    await working(title, signal => this.engine.request('debiasChoices', { root, settings: { ...settingsFor(root), ...settings }, regions: [], classes: [known.name], choice }, { signal }));
    document.photos.reloadAll();
    await document.refresh();
  }

  #refuseSecondRun(): void {
    const { summary } = this.run;
    if (summary) throw new SeedMaskError('locked', `a run on ${basename(summary.root)} is under way in this window; cancel it or wait`);
  }
}

/** A run keeps what a person did, so the person is asked, and the mask rejected, before it is made anew. */
async function giveUpMask(document: ReviewDocument, photo: string): Promise<void> {
  const index = document.indexOf(photo);
  const state = index === undefined ? undefined : document.item(index).state;
  const isDirty = document.edits.isDirty(photo);
  const isPersons = state === 'edited' || state === 'accepted' || state === 'empty-accepted';
  if (!isDirty && !isPersons) return;
  const give = 'Make Anew';
  const detail = `${isDirty ? `The mask of ${photo} has unsaved edits` : `You changed or accepted the mask of ${photo}`}. A new mask takes its place.`;
  const choice = await vscode.window.showWarningMessage('Make this mask anew?', { modal: true, detail }, give);
  if (choice !== give) throw new SeedMaskError('cancelled', 'the mask stays as it is');
  if (isDirty) await document.inTurn(() => document.discard(photo));
  if (isPersons) await document.mark([photo], 'rejected');
}
