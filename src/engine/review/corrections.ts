/** What a person says of a photo for its next mask (tags, hints), and the photos that no run may write meanwhile. */
import { setHolds } from '../../dataset/holds';
import { setHints } from '../../dataset/hints';
import { readMask, type MaskPlace } from '../../dataset/maskStore';
import { setReviewTags } from '../../dataset/reviewTags';
import { inTurn } from '../../dataset/turn';
import { SeedMaskError } from '../../shared/errors';
import type { Params } from '../../shared/protocol';
import type { QueueItem } from '../../shared/review';
import { itemOf } from './queue';
import { setWith } from './reviewSet';

/** @throws SeedMaskError 'refused-path', 'bad-tags', 'too-many-classes', 'too-large', and as writes do */
export async function reviewTags({ root, settings, photo, tags, hints }: Params<'reviewTags'>): Promise<{ item: QueueItem }> {
  const set = await setWith(root, settings, [photo]);
  await set.check(photo);
  if (hints) await setHints(root, photo, hints);
  if (tags !== undefined) {
    const kept = await setReviewTags(root, photo, tags);
    await set.readTagsAgain();
    await inTurn(root, () => set.keepClasses());
    const now = set.tags.get(photo) ?? [];
    if (kept && kept.join('\n') !== now.join('\n')) {
      throw new SeedMaskError('bad-tags', `the tags file that the settings name says ${now.join(', ') || 'nothing'}, and it goes first: change it there`, photo);
    }
  }
  return { item: await itemOf(set, photo, (await set.manifest()).all()) };
}

/**
 * Photos that cannot be held are refused after the others are held: these must not pay for them.
 * @throws SeedMaskError 'refused-path', and as writes do
 */
export async function reviewHold({ root, settings, photos }: Params<'reviewHold'>): Promise<Record<string, never>> {
  const set = await setWith(root, settings, photos);
  const places = new Map<string, MaskPlace>();
  let refused: unknown;
  for (const photo of photos) {
    try {
      places.set(photo, await set.place(photo));
    } catch (error) {
      refused ??= error;
    }
  }
  await setHolds(root, [...places.keys()], async photo => {
    const place = places.get(photo);
    const bytes = place && (await readMask(place));
    return bytes && bytes.length > 0 ? bytes : undefined;
  });
  if (refused !== undefined) throw refused;
  return {};
}
