/**
 * Masks on disk under the promise that a person's work is never overwritten: what is there is looked at again in the
 * moment of writing, the photo must still be the one that was decoded, and the manifest knows of the write before it happens. A photo that a
 * person has open with unsaved strokes is kept as it is.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite, type WriteCalls } from './atomicWrite';
import { sha256, sha256OfFile } from './hash';
import { isHeld } from './holds';
import { decide, type Decision, type Making, type Manifest } from './manifest';
import { errorCode } from './paths';
import { inTurn } from './turn';

/** Where a photo and its mask lie: ids relative to `root`. */
export interface MaskPlace {
  root: string;
  photo: string;
  mask: string;
}

/** What to do about the mask that is there now. @throws SeedMaskError 'io'. */
export async function decideMask(place: MaskPlace, manifest: Manifest, making: Making): Promise<Decision> {
  if (await isHeld(place.root, place.photo)) return 'keep';
  return decide(manifest.get(place.photo), await readMask(place), making);
}

/**
 * Writes `bytes` (a mask file, see encodeMask), or keeps what is there: 'kept' a person's, 'skipped' one that is up to date and has these very bytes.
 * `made.before`: the bytes were debiased, and this is the hash of the mask before.
 * @throws SeedMaskError 'changed-during-run' (the photo's bytes are not `making.source` any more), 'removed' (the photo is
 * gone), and as atomicWrite does. Nothing was replaced then.
 */
export async function writeMask(place: MaskPlace, bytes: Uint8Array, manifest: Manifest, making: Making, made: { device: string; run: string; before?: string }, calls?: WriteCalls): Promise<'written' | 'kept' | 'skipped'> {
  const { root, photo } = place;
  if ((await sha256OfFile(join(root, photo), photo)) !== making.source) throw new SeedMaskError('changed-during-run', 'the photo changed while its mask was made', photo);
  return inTurn(root, async () => {
    await manifest.refresh();
    if (await isHeld(root, photo)) return 'kept';
    const there = await readMask(place);
    const output = sha256(bytes);
    const decision = decide(manifest.get(photo), there, { ...making, output });
    if (decision !== 'write') return decision === 'keep' ? 'kept' : 'skipped';
    await manifest.append({
      photo, source: making.source, tags: [...making.tags], key: making.key, output, replaces: there && there.length > 0 ? sha256(there) : undefined,
      ...made, state: 'auto', time: new Date().toISOString(),
    });
    await replaceMask(place, bytes, calls);
    return 'written';
  });
}

/** Writes the mask file, whatever is there. Within a turn. @throws SeedMaskError as atomicWrite does, naming photo and mask. */
export async function replaceMask({ root, photo, mask }: MaskPlace, bytes: Uint8Array, calls?: WriteCalls): Promise<void> {
  try {
    await atomicWrite(join(root, mask), bytes, { root, calls });
  } catch (error) {
    throw error instanceof SeedMaskError ? new SeedMaskError(error.reason, `${mask}: ${error.message}`, photo, { cause: error }) : error;
  }
}

/** The bytes of the mask file; undefined if there is none. @throws SeedMaskError 'io'. */
export async function readMask({ root, mask, photo }: MaskPlace): Promise<Uint8Array | undefined> {
  try {
    return await readFile(join(root, mask));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new SeedMaskError('io', `its mask ${mask} cannot be read (${errorCode(error) ?? String(error)})`, photo, { cause: error });
  }
}
