/**
 * What a person has changed in a review and not saved yet: pure data, no editor, no files. Each photo has the mask that its file held when it was read (known by its
 * hash), the edits that the file holds of those made since, and the edits that the person sees; saving makes the first the same as the second. The way from file
 * to present therefore exists in every case, also when edits that were saved have been taken back since: it first takes them back, then adds what is new.
 *
 *     file:    a b c          common: a b      way: undo c, then d e
 *     present: a b d e
 *
 * Undo and redo name the edit; an edit that is not the last one of its photos any more (its mask was loaded anew) does nothing.
 */
import type { Choice } from './evidence';
import { SeedMaskError } from './errors';
import type { LabelPatch } from './labelPatch';
import { lengthOfRuns, patchRuns, runsOf } from './maskRuns';

/** A person's word on a removed region, given by an edit; `was`: the word before. */
export interface ChoiceChange {
  evidence: string;
  choice: Choice | null;
  was: Choice | null;
}

/** What one edit did to one photo. */
export interface EditPart {
  readonly photo: string;
  readonly patch: LabelPatch;
  readonly choices: readonly ChoiceChange[];
  /** What *Undo …* says. */
  readonly label: string;
}

/** One step of undo: mostly of one photo, of many where a word on a class changed them all. */
export type Edit = readonly EditPart[];

/** A mask as it was read. */
export interface Base {
  /** sha256 of its file; null: there is none. */
  hash: string | null;
  width: number;
  height: number;
  /** labelRuns of width x height labels. */
  runs: Uint8Array;
}

interface PhotoEdits {
  hash: string | null;
  readonly width: number;
  readonly height: number;
  /** The mask as the person sees it. */
  runs: Uint8Array;
  file: readonly EditPart[];
  present: EditPart[];
  /** Taken back, the last one first to be repeated. */
  undone: EditPart[];
  /** The file is of another size, so that no edit leads from it to what the person sees: it is written anew, whatever it holds. */
  overwrite: boolean;
}

/** What to write of one photo, and what to do once it is written. */
export interface SaveJob {
  base: string | null;
  width: number;
  height: number;
  patches: LabelPatch[];
  choices: { evidence: string; choice: Choice | null }[];
  /** The file may hold anything. */
  overwrite: boolean;
  /** The file holds it now; edits made meanwhile stay unsaved. */
  done(hash: string): void;
}

export class MaskEdits {
  readonly #photos = new Map<string, PhotoEdits>();

  /** Photos that were edited in this session, whatever is saved of them. */
  get photos(): string[] {
    return [...this.#photos.keys()];
  }

  /** Photos whose file is not what the person sees. */
  get dirty(): string[] {
    return this.photos.filter(photo => this.isDirty(photo));
  }

  isDirty(photo: string): boolean {
    const state = this.#photos.get(photo);
    return state !== undefined && !isSame(state.file, state.present);
  }

  /** Whether edits that are in the file have been taken back. */
  isForked(photo: string): boolean {
    const state = this.#photos.get(photo);
    return state !== undefined && commonLength(state.file, state.present) < state.file.length;
  }

  /** The mask as the person sees it, where there are edits; else undefined: it is the file's. */
  mask(photo: string): Base | undefined {
    const state = this.#photos.get(photo);
    return state && { hash: state.hash, width: state.width, height: state.height, runs: state.runs };
  }

  /** What the file holds, as far as it is known: `mask` without the way to it. */
  fileMask(photo: string): Base | undefined {
    const state = this.#photos.get(photo);
    if (!state) return undefined;
    return { hash: state.hash, width: state.width, height: state.height, runs: without(state.runs, this.way(photo), state) };
  }

  /** The present way from file to page: what a save writes and a backup keeps. */
  way(photo: string): EditPart[] {
    const state = this.#photos.get(photo);
    if (!state) return [];
    const common = commonLength(state.file, state.present);
    return [...state.file.slice(common).reverse().map(inverse), ...state.present.slice(common)];
  }

  /**
   * Notes an edit that a page has made. `bases` gives the mask of photos that are edited for the first time.
   * @throws SeedMaskError 'bad-message' when a patch does not fit the mask it is for; nothing is noted then.
   */
  add(edit: Edit, bases: (photo: string) => Base): void {
    const next = new Map<string, PhotoEdits>();
    for (const part of edit) {
      const state = next.get(part.photo) ?? copyOf(this.#photos.get(part.photo) ?? freshState(bases(part.photo)));
      state.runs = patchRuns(state.runs, state.width, state.height, part.patch, 'redo');
      state.present.push(part);
      state.undone = [];
      next.set(part.photo, state);
    }
    for (const [photo, state] of next) {
      const there = this.#photos.get(photo);
      // A save under way knows the object.
      if (there) Object.assign(there, state);
      else this.#photos.set(photo, state);
    }
  }

  /** Takes the edit back. @returns the parts that were, last first. */
  undo(edit: Edit): EditPart[] {
    return [...edit].reverse().filter(part => {
      const state = this.#photos.get(part.photo);
      if (!state || state.present.at(-1) !== part) return false;
      state.runs = patchRuns(state.runs, state.width, state.height, part.patch, 'undo');
      state.present.pop();
      state.undone.push(part);
      return true;
    });
  }

  /** Repeats the edit. @returns the parts that were. */
  redo(edit: Edit): EditPart[] {
    return edit.filter(part => {
      const state = this.#photos.get(part.photo);
      if (!state || state.undone.at(-1) !== part) return false;
      state.runs = patchRuns(state.runs, state.width, state.height, part.patch, 'redo');
      state.undone.pop();
      state.present.push(part);
      return true;
    });
  }

  /** Forgets a photo's edits: its file is what counts. */
  drop(photo: string): void {
    this.#photos.delete(photo);
  }

  /**
   * The file was replaced by another (null: removed), and the person's mask is to replace that one. The first of the edits becomes the step from the other's mask to
   * the one that the person began with, so that everything else still can be taken back.
   */
  keepMine(photo: string, found: Base | null): void {
    const state = this.#photos.get(photo);
    if (!state) return;
    const { width, height } = state;
    const begun = without(state.runs, state.present, state);
    const isOther = found !== null && (found.width !== width || found.height !== height);
    const before = found === null || isOther ? runsOf(0, width * height) : found.runs;
    const step: EditPart = { photo, label: 'Keep Mine', patch: { x: 0, y: 0, width, height, before, after: begun }, choices: [] };
    state.hash = isOther ? null : (found?.hash ?? null);
    state.overwrite = isOther;
    state.file = [];
    state.present.unshift(step);
  }

  /** The photo's file is written anew at the next save, whatever it holds then. */
  overwriteFile(photo: string): void {
    const state = this.#photos.get(photo);
    if (state) state.overwrite = true;
  }

  /** Back to what the files hold. @returns the photos that change by it. */
  revert(): string[] {
    const changed = this.dirty;
    for (const photo of changed) {
      const state = this.#photos.get(photo);
      if (!state || state.overwrite) this.drop(photo);
      else {
        state.runs = without(state.runs, this.way(photo), state);
        state.present = [...state.file];
        state.undone = [];
      }
    }
    return changed;
  }

  /** What to write of a photo; undefined when there is nothing. */
  save(photo: string): SaveJob | undefined {
    const state = this.#photos.get(photo);
    if (!state || !this.isDirty(photo)) return undefined;
    const written = [...state.present];
    const way = this.way(photo);
    const choices = new Map(way.flatMap(part => part.choices.map(({ evidence, choice }) => [evidence, choice] as const)));
    return {
      base: state.hash,
      width: state.width,
      height: state.height,
      patches: way.map(part => part.patch),
      choices: [...choices].map(([evidence, choice]) => ({ evidence, choice })),
      overwrite: state.overwrite,
      done: hash => {
        state.hash = hash;
        state.file = written;
        state.overwrite = false;
      },
    };
  }

  /** A person's present word on a region, where an edit gave one. */
  choice(photo: string, evidence: string): Choice | null | undefined {
    return this.#photos.get(photo)?.present.flatMap(part => part.choices).findLast(change => change.evidence === evidence)?.choice;
  }
}

/** The part that takes `part` back. */
function inverse({ photo, patch, choices, label }: EditPart): EditPart {
  return {
    photo,
    label: `Undo ${label}`,
    patch: { ...patch, before: patch.after, after: patch.before },
    choices: choices.map(({ evidence, choice, was }) => ({ evidence, choice: was, was: choice })),
  };
}

function freshState({ hash, width, height, runs }: Base): PhotoEdits {
  if (lengthOfRuns(runs) !== width * height) throw new SeedMaskError('bad-message', 'a mask has another size than it says');
  return { hash, width, height, runs, file: [], present: [], undone: [], overwrite: false };
}

/** The mask before `parts` were made. */
function without(runs: Uint8Array, parts: readonly EditPart[], { width, height }: PhotoEdits): Uint8Array {
  return parts.reduceRight((mask, part) => patchRuns(mask, width, height, part.patch, 'undo'), runs);
}

/** A state that can change without the old one changing. */
function copyOf(state: PhotoEdits): PhotoEdits {
  return { ...state, present: [...state.present], undone: [...state.undone] };
}

function commonLength(a: readonly EditPart[], b: readonly EditPart[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function isSame(a: readonly EditPart[], b: readonly EditPart[]): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}
