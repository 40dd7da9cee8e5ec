/**
 * A person's word on masks as they lie on disk (accepted, rejected, or taken back), and the manifest's line of such a word, of one photo or of many at once.
 */
import { join } from 'node:path';
import { sha256, sha256OfFile } from '../../dataset/hash';
import type { ManifestEntry } from '../../dataset/manifest';
import { decodeMask } from '../../dataset/maskFile';
import { readMask, type MaskPlace } from '../../dataset/maskStore';
import { maskFacts } from '../../dataset/photoFacts';
import { inTurn } from '../../dataset/turn';
import { SeedMaskError } from '../../shared/errors';
import type { Params } from '../../shared/protocol';
import type { Mark, QueueItem } from '../../shared/review';
import { itemOf } from './queue';
import { setWith, type ReviewSet } from './reviewSet';

/** Masks that one turn marks, so that a run is not kept waiting. */
const AT_ONCE = 100;

/** A mask that is there now, and what a person did. */
export interface Word {
  photo: string;
  source: string;
  tags: readonly string[];
  /** Of the mask's bytes. */
  hash: string;
  /** A person changed it now. */
  changed: boolean;
  mark: Mark | undefined;
}

/** The manifest's line of a person's word; nothing where nothing was said. */
export function entryOf({ photo, source, tags, hash, changed, mark }: Word, prior: ManifestEntry | undefined): ManifestEntry | undefined {
  if (!changed && !mark) return undefined;
  const known = prior?.output === hash ? prior : undefined;
  // A run that was killed before its mask: these are the bytes of the one before, made by another key.
  const older = !known && prior?.replaces === hash;
  const origin = changed ? 'person' : known ? known.origin : older ? undefined : prior ? 'person' : 'other';
  const state = mark && mark !== 'auto' ? mark : origin === 'person' ? 'edited' : 'auto';
  return {
    photo, source, tags: [...tags], key: known?.key ?? '', output: hash, ...(known?.before && { before: known.before }), device: prior?.device ?? 'none', state,
    ...(origin && { origin }), time: new Date().toISOString(), run: prior?.run ?? '',
  };
}

/**
 * Marks photos as they lie on disk; those without a mask stay as they are. A damaged mask cannot be accepted, which is said when the others are marked.
 * @throws SeedMaskError 'refused-path' (nothing is marked then), 'bad-mask', and as writes do
 */
export async function reviewMark({ root, settings, photos, mark }: Params<'reviewMark'>): Promise<{ items: QueueItem[] }> {
  const set = await setWith(root, settings, photos);
  const places: MaskPlace[] = [];
  for (const photo of new Set(photos)) {
    if (set.maskOf(photo) === '') await set.check(photo);
    else places.push(await set.place(photo));
  }
  const manifest = await set.manifest();
  let refused: SeedMaskError | undefined;
  for (let from = 0; from < places.length; from += AT_ONCE) {
    await inTurn(root, async () => {
      await manifest.refresh();
      if (from === 0) await set.keepClasses();
      const entries: ManifestEntry[] = [];
      for (const place of places.slice(from, from + AT_ONCE)) {
        try {
          const entry = await markOne(set, place, mark, manifest.get(place.photo));
          if (entry) entries.push(entry);
        } catch (error) {
          if (!(error instanceof SeedMaskError)) throw error;
          refused ??= new SeedMaskError(error.reason, error.message, place.photo, { cause: error });
        }
      }
      await manifest.append(...entries);
    });
  }
  if (refused) throw refused;
  const items: QueueItem[] = [];
  for (const photo of photos) items.push(await itemOf(set, photo, manifest.all()));
  return { items };
}

async function markOne(set: ReviewSet, place: MaskPlace, mark: Mark, prior: ManifestEntry | undefined): Promise<ManifestEntry | undefined> {
  const { root, photo } = place;
  const bytes = await readMask(place);
  if (!bytes || bytes.length === 0) return undefined;
  const hash = sha256(bytes);
  const facts = set.facts.get(photo);
  if (facts?.mask?.hash !== hash || !facts.areas) {
    // A damaged mask can be rejected, not accepted.
    const labels = mark === 'accepted' ? decodeMask(bytes).labels : undefined;
    if (labels) await set.learn(photo, { ...(await maskFacts(root, place.mask, bytes, labels)), change: facts?.change ?? null }, true);
  }
  const source = prior?.source ?? (await sha256OfFile(join(root, photo), photo));
  return entryOf({ photo, source, tags: prior?.tags ?? set.tags.get(photo) ?? [], hash, changed: false, mark }, prior);
}
