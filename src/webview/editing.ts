/**
 * Changes of the open mask: strokes that tools have written, sent to the extension as patches, and patches that come back by undo and redo. Whoever draws listens for
 * the rectangles that changed.
 */
import type { Signal } from '@preact/signals';
import { applyPatch, patchOf, type LabelPatch, type Rect } from '../shared/labelPatch';
import type { AskParams } from '../shared/pageMessages';
import type { LoadedPhoto } from './decodePhoto';
import { updateDifference } from './difference';
import type { Editing } from './page';
import { interruptStroke } from './tools/stroke';

export interface EditingOptions {
  photo: () => LoadedPhoto | undefined;
  revision: Signal<number>;
  send: (edit: AskParams<'edit'>) => void;
}

export class MaskEditing implements Editing {
  private readonly listeners = new Set<(rect: Rect) => void>();

  constructor(private readonly options: EditingOptions) {}

  /** @returns stops listening */
  onTouched(listener: (rect: Rect) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  commit(label: string, rect: Rect, before: Uint8Array, choices: AskParams<'edit'>['choices'] = []): void {
    const photo = this.options.photo();
    if (!photo?.labels || rect.width < 1 || rect.height < 1) return;
    this.touched(rect);
    this.options.revision.value++;
    this.options.send({ index: photo.index, label, patch: patchOf(photo.labels, rect, before), choices });
  }

  touched(rect: Rect): void {
    const photo = this.options.photo();
    if (!photo) return;
    updateDifference(photo.layers, rect);
    for (const listener of this.listeners) listener(rect);
  }

  /** @throws SeedMaskError as applyPatch does. */
  apply(patch: LabelPatch, direction: 'undo' | 'redo'): void {
    const photo = this.options.photo();
    if (!photo?.labels) return;
    interruptStroke(photo.labels);
    applyPatch(photo.labels, patch, direction);
    this.touched(patch);
    this.options.revision.value++;
  }
}
