/**
 * Names of layers, and what each of them shows.
 */
import type { OpenLayer } from '../page';
import { className, type ClassNames } from '../../shared/texts/words';

const KIND_WORDS: Record<OpenLayer['kind'], string> = {
  cam: 'CAM',
  refined: 'Refined map',
  seed: 'Seed',
  before: 'Mask before debiasing',
  disk: 'Mask on disk',
  mask: 'Mask',
  removed: 'Removed by MARS',
  truth: 'True mask',
  difference: 'Difference',
};

export const KIND_SENTENCES: Record<OpenLayer['kind'], string> = {
  cam: 'Where the class\'s head is active, before anything is spread.',
  refined: 'The same after SCG and PAMR.',
  seed: 'What is certain of the refined maps; the rest is undecided (255).',
  before: 'The mask before MARS removed anything.',
  disk: 'The mask\'s file, which something else changed while there are unsaved edits here.',
  mask: 'What is saved, with the edits made here.',
  removed: 'What MARS removed; click a region and ask why.',
  truth: 'The true mask that was given.',
  difference: 'Where the mask now is not what it was before.',
};

/** 'CAM of boat (1)', 'Seed' */
export function layerText({ kind, classId }: Pick<OpenLayer, 'kind' | 'classId'>, names: ClassNames): string {
  return classId === undefined ? KIND_WORDS[kind] : `${KIND_WORDS[kind]} of ${className(classId, names)} (${classId})`;
}

const SHORT_WORDS: Record<OpenLayer['kind'], string> = {
  cam: 'CAM',
  refined: 'refined',
  seed: 'seed',
  before: 'before',
  disk: 'on disk',
  mask: 'mask',
  removed: 'removed',
  truth: 'true',
  difference: 'difference',
};

/** One word, for the status line. */
export function shortLayerText(kind: OpenLayer['kind']): string {
  return SHORT_WORDS[kind];
}

/** Hashes are cut to their first eight digits; the whole text belongs in a tooltip. */
export function shortHashes(text: string): string {
  return text.replace(/\b[0-9a-f]{32,}\b/g, hash => `${hash.slice(0, 8)}…`);
}
