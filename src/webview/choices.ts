/**
 * A person's words on removed regions, as they are now: what the extension sent with the photo, what has been said on this page since, and what the mask itself shows
 * (a region that is back in the mask is restored, however it came back).
 */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Choice } from '../shared/evidence';
import type { PhotoView } from '../shared/review';
import type { OpenPhoto, Page } from './page';
import type { Selection } from './edits/selection';
import { isRestored, pixelsOfEvidence } from './tools/selected';

type Evidence = PhotoView['evidence'][number];

/** Since the photo was sent. A photo that is sent again brings its words with it. */
const said = new WeakMap<PhotoView, Signal<ReadonlyMap<string, Choice | null>>>();
const places = new WeakMap<Evidence, Selection | 'nowhere'>();

/** What has been said on this page since the photo was sent. */
export function saidOn(view: PhotoView): ReadonlySignal<ReadonlyMap<string, Choice | null>> {
  return signalOf(view);
}

function signalOf(view: PhotoView): Signal<ReadonlyMap<string, Choice | null>> {
  let words = said.get(view);
  if (!words) {
    words = signal<ReadonlyMap<string, Choice | null>>(new Map());
    said.set(view, words);
  }
  return words;
}

/**
 * Says a word on regions of a photo without painting; null takes it back.
 * @throws SeedMaskError with the extension's reason; the word is then not said.
 */
export async function choose(page: Page, photo: OpenPhoto, evidence: readonly string[], choice: Choice | null): Promise<void> {
  await page.ask('choose', { index: photo.index, evidence: [...evidence], choice });
  const words = signalOf(photo.view);
  words.value = new Map([...words.peek(), ...evidence.map(id => [id, choice] as const)]);
}

/** The word on a region, by its id, for everything that was removed of the photo. `words`: of `saidOn`. */
export function choicesOf(photo: OpenPhoto, words: ReadonlyMap<string, Choice | null>): ReadonlyMap<string, Choice | null> {
  const labels = photo.layers.find(({ kind }) => kind === 'mask')?.labels;
  return new Map(
    photo.view.evidence.map(evidence => {
      const word = words.has(evidence.id) ? (words.get(evidence.id) ?? null) : evidence.choice;
      const pixels = placeOf(photo, evidence);
      if (!labels || labels.width !== photo.view.width || labels.height !== photo.view.height || pixels === 'nowhere') return [evidence.id, word];
      if (isRestored(labels, pixels, evidence.classId)) return [evidence.id, 'restored'];
      return [evidence.id, word === 'restored' ? null : word];
    }),
  );
}

function placeOf(photo: OpenPhoto, evidence: Evidence): Selection | 'nowhere' {
  let place = places.get(evidence);
  if (place === undefined) {
    place = pixelsOfEvidence(photo, evidence) ?? 'nowhere';
    places.set(evidence, place);
  }
  return place;
}
