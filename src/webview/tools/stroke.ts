/**
 * A change of the open mask while it is made: what tools write goes through here, so that one stroke is one undoable edit, Escape leaves no trace, and nothing is written
 * where nothing may be. A photo that was loaded anew in the middle ends the stroke without an edit.
 */
import { Recorder } from '../edits/recorder';
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import type { AskParams } from '../../shared/pageMessages';
import type { Page } from '../page';

type Choices = AskParams<'edit'>['choices'];

/** The labels of the open mask if they may be changed; if not, the page says why. */
export function editableLabels(page: Page): LabelMap | undefined {
  const photo = page.photo.peek();
  if (photo === undefined) page.say('No photo is open');
  else if (page.session.peek().readOnly) page.say('This workspace is not trusted: masks can be looked at, not changed');
  else if (photo.labels === undefined) page.say(photo.view.maskProblem ?? photo.view.mask?.problem ?? 'This mask cannot be changed');
  else return photo.labels;
  return undefined;
}

/** The stroke that is being made on a mask. */
const underWay = new WeakMap<LabelMap, Stroke>();

/** Takes back what a stroke has written and not sent; to be called before anyone else writes into the mask. */
export function interruptStroke(labels: LabelMap): void {
  underWay.get(labels)?.restore();
  underWay.delete(labels);
}

export class Stroke {
  private readonly recorder: Recorder;

  private constructor(
    private readonly page: Page,
    readonly labels: LabelMap,
  ) {
    this.recorder = new Recorder(labels);
  }

  /** Undefined where the mask must not be changed; the page has said why. */
  static begin(page: Page): Stroke | undefined {
    const labels = editableLabels(page);
    if (labels === undefined) return undefined;
    interruptStroke(labels);
    const stroke = new Stroke(page, labels);
    underWay.set(labels, stroke);
    return stroke;
  }

  /** Whether the mask is open still and nobody else has written into it. */
  get alive(): boolean {
    return this.page.photo.peek()?.labels === this.labels && underWay.get(this.labels) === this;
  }

  /** Lets `operation` write inside `bound` (it may reach over the mask's edges) and draws what it says it changed. */
  write(bound: Rect, operation: (labels: LabelMap) => Rect | undefined): void {
    if (!this.alive) return;
    this.recorder.keep(bound);
    const changed = operation(this.labels);
    if (changed !== undefined) this.page.editing.touched(changed);
  }

  /** Takes back what was written up to now; also what Escape does. */
  restore(): void {
    if (underWay.get(this.labels) !== this) return;
    const rect = this.recorder.restore();
    if (rect !== undefined && this.alive) this.page.editing.touched(rect);
  }

  /** Sends what was written as one edit. @returns whether any label is another one now. */
  finish(text: string, choices?: Choices): boolean {
    const changed = this.alive ? this.recorder.changed() : undefined;
    if (underWay.get(this.labels) === this) underWay.delete(this.labels);
    if (changed === undefined) return false;
    this.page.editing.commit(text, changed.rect, changed.before, choices);
    return true;
  }
}

/** A whole edit at once. @returns whether any label is another one now. */
export function editOnce(page: Page, text: string, bound: Rect, operation: (labels: LabelMap) => Rect | undefined, choices?: Choices): boolean {
  const stroke = Stroke.begin(page);
  if (stroke === undefined) return false;
  stroke.write(bound, operation);
  return stroke.finish(text, choices);
}
