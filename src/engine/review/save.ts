/**
 * Writes what a person did to a photo: strokes into its mask, a word on it, words on removed regions. The mask is replaced whole or not at all, only while it is the
 * one the strokes began on (or the person said: mine), and before the manifest's line: a kill in between leaves bytes that nobody but a person can have made.
 */
import { join } from 'node:path';
import { chooseRegions } from '../../dataset/choices';
import { readRegions } from '../../dataset/evidenceStore';
import { sha256, sha256OfFile } from '../../dataset/hash';
import { baseBytes, moveBase } from '../../dataset/holds';
import { decodeMask, encodeMask, MAX_MASK_PIXELS } from '../../dataset/maskFile';
import { readMask, replaceMask, type MaskPlace } from '../../dataset/maskStore';
import { maskFacts } from '../../dataset/photoFacts';
import { inTurn } from '../../dataset/turn';
import { SeedMaskError } from '../../shared/errors';
import { applyPatch, cut } from '../../shared/labelPatch';
import { decodeRuns } from '../../shared/labelRuns';
import type { LabelMap } from '../../shared/maps';
import type { Params } from '../../shared/protocol';
import type { Save, Saved } from '../../shared/review';
import { openPhotoFile } from './pictures';
import { itemOf } from './queue';
import { setWith } from './reviewSet';
import { entryOf } from './words';

/** What the mask is to become. */
interface Outcome {
  bytes: Uint8Array;
  /** Nothing where the bytes are damaged, and stay. */
  labels?: LabelMap;
  /** Of the same size. */
  before?: LabelMap;
}

/**
 * @throws SeedMaskError 'refused-path', 'bad-message' (strokes that do not fit each other or the mask), 'bad-mask' (what is there cannot be edited),
 * 'changed-during-run' (the photo was replaced by one of another size), 'removed', 'bad-image', and as atomicWrite does. The old mask is then as it was.
 */
export async function reviewSave({ root, settings, save }: Params<'reviewSave'>): Promise<Saved> {
  const { photo } = save;
  const set = await setWith(root, settings, [photo]);
  const place = await set.place(photo);
  if (save.width * save.height > MAX_MASK_PIXELS) throw new SeedMaskError('too-large', `a mask of ${save.width} x ${save.height} is too large`, photo);
  const source = await checkSize(place, save);
  const manifest = await set.manifest();
  return inTurn(root, async () => {
    await manifest.refresh();
    const file = await readMask(place);
    // An empty file is nobody's work.
    const there = file && file.length > 0 ? file : undefined;
    const found = there ? sha256(there) : null;
    const outcome = await outcomeOf(place, save, there, found);
    if (!outcome) return { outcome: 'conflict', found };
    const hash = sha256(outcome.bytes);
    const prior = manifest.get(photo);
    if (hash !== found || save.mark) await set.keepClasses();
    if (hash !== found) await replaceMask(place, outcome.bytes);
    const changed = save.patches.length > 0 && (hash !== found || found !== save.base);
    const entry = entryOf({ photo, source, tags: set.tags.get(photo) ?? [], hash, changed, mark: save.mark }, prior);
    if (entry) await manifest.append(entry);
    if (outcome.labels) {
      const facts = await maskFacts(root, place.mask, outcome.bytes, outcome.labels, outcome.before);
      await set.learn(photo, changed ? facts : { ...facts, change: set.facts.get(photo)?.change ?? null }, true);
    }
    await moveBase(root, photo, outcome.bytes);
    await choose(set.home, save);
    return { outcome: 'saved', hash, item: await itemOf(set, photo, manifest.all()) };
  });
}

/** The photo's hash. @throws SeedMaskError where it is not of the size that was edited */
async function checkSize({ root, photo }: MaskPlace, save: Save): Promise<string> {
  if (save.patches.length === 0 && save.base !== null) return sha256OfFile(join(root, photo), photo);
  const { bytes, width, height } = await openPhotoFile(join(root, photo), photo);
  if (width !== save.width || height !== save.height) {
    throw new SeedMaskError('changed-during-run', `the photo is ${width} x ${height} now; the mask that was edited has ${save.width} x ${save.height}`, photo);
  }
  return sha256(bytes);
}

/** Nothing where the file is neither what the strokes began on nor what they make of it. */
async function outcomeOf(place: MaskPlace, save: Save, there: Uint8Array | undefined, found: string | null): Promise<Outcome | undefined> {
  const { base, overwrite, patches } = save;
  if (patches.length === 0) {
    if (found !== base && !overwrite) return undefined;
    if (there) return { bytes: there, labels: save.mark === 'accepted' ? decodeMask(there).labels : decodedOrNothing(there) };
    if (save.mark !== 'accepted') throw new SeedMaskError('removed', 'there is no mask to say a word on', place.photo);
    const empty = emptyMask(save);
    return { bytes: encodeMask(empty), labels: empty };
  }
  const start = found === base ? there : base === null ? undefined : await baseBytes(place.root, base);
  if (found === base || base === null || start) {
    const before = start ? decodeToEdit(start, save) : emptyMask(save);
    const labels = { ...before, data: before.data.slice() };
    for (const patch of patches) applyChecked(labels, patch);
    const same = labels.data.every((label, i) => label === before.data[i]);
    const bytes = same && start ? start : encodeMask(labels);
    return found === base || overwrite || sha256(bytes) === found ? { bytes, labels, before } : undefined;
  }
  if (!overwrite) return undefined;
  // What the strokes began on is gone: they are laid over what is there.
  const before = there ? decodeToEdit(there, save) : emptyMask(save);
  const labels = { ...before, data: before.data.slice() };
  for (const patch of patches) layOver(labels, patch);
  return { bytes: encodeMask(labels), labels, before };
}

function emptyMask({ width, height }: Save): LabelMap {
  return { data: new Uint8Array(width * height), width, height };
}

/** A damaged mask can be rejected, but nobody can have looked at it and found it good. */
function decodedOrNothing(bytes: Uint8Array): LabelMap | undefined {
  try {
    return decodeMask(bytes).labels;
  } catch (error) {
    if (!(error instanceof SeedMaskError)) throw error;
    return undefined;
  }
}

function decodeToEdit(bytes: Uint8Array, { photo, width, height }: Save): LabelMap {
  const { labels } = decodeMask(bytes);
  if (labels.width !== width || labels.height !== height) {
    throw new SeedMaskError('bad-mask', `the mask is ${labels.width} x ${labels.height} and not ${width} x ${height}: it cannot be edited`, photo);
  }
  return labels;
}

/** @throws SeedMaskError 'bad-message' unless the patch finds what it was made on */
function applyChecked(labels: LabelMap, patch: Save['patches'][number]): void {
  if (patch.x + patch.width > labels.width || patch.y + patch.height > labels.height) throw new SeedMaskError('bad-message', 'an edit lies outside its mask');
  const before = decodeRuns(patch.before, patch.width * patch.height);
  if (Buffer.compare(before, cut(labels, patch)) !== 0) throw new SeedMaskError('bad-message', 'an edit was made on another mask');
  applyPatch(labels, patch, 'redo');
}

/** Writes the pixels that the patch changed, and no others. */
function layOver(labels: LabelMap, patch: Save['patches'][number]): void {
  const { x, y, width, height } = patch;
  if (x + width > labels.width || y + height > labels.height) throw new SeedMaskError('bad-message', 'an edit lies outside its mask');
  const before = decodeRuns(patch.before, width * height);
  const after = decodeRuns(patch.after, width * height);
  for (let i = 0; i < after.length; i++) {
    if (before[i] !== after[i]) labels.data[(y + Math.floor(i / width)) * labels.width + x + (i % width)] = after[i];
  }
}

async function choose(home: string, { photo, choices }: Save): Promise<void> {
  if (choices.length === 0) return;
  const regions = await readRegions(home, photo);
  for (const { evidence, choice } of choices) {
    const region = regions.find(({ id }) => id === evidence);
    if (region) await chooseRegions(home, [region], choice);
  }
}
