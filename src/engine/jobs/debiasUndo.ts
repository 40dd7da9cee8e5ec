/** Takes debiasing back: masks as they were before it, byte for byte. */
import { readBefore, removeMars } from '../../dataset/evidenceStore';
import type { Manifest } from '../../dataset/manifest';
import { writeMask } from '../../dataset/maskStore';
import { describeError, SeedMaskError } from '../../shared/errors';
import { plural } from '../../shared/runTexts';
import { isFatal, type Frame } from './recorded';

/** The photo's mask was debiased, and the mask before is not there any more. */
export async function lacksBefore(home: string, photo: string, manifest: Manifest): Promise<boolean> {
  const before = manifest.get(photo)?.before;
  return before !== undefined && (await readBefore(home, photo, before)) === undefined;
}

/** The masks of ours that were debiased, without. `wanted`: only these photos' masks. @throws SeedMaskError 'disk-full' */
export async function undoDebias(input: { root: string; outputs: ReadonlyMap<string, string>; wanted: ReadonlySet<string> | undefined; manifest: Manifest; frame: Frame }): Promise<void> {
  const { root, outputs, wanted, manifest, frame } = input;
  let undone = 0;
  for (const [photo, { before, source, tags, key, device, state }] of [...manifest.all()]) {
    const mask = outputs.get(photo);
    if (before === undefined || mask === undefined || state !== 'auto' || (wanted && !wanted.has(photo))) continue;
    try {
      const bytes = await readBefore(root, photo, before);
      if (!bytes) continue;
      if ((await writeMask({ root, photo, mask }, bytes, manifest, { source, tags, key }, { device, run: frame.recorder.id })) === 'kept') continue;
      await removeMars(root, photo);
      undone++;
    } catch (error) {
      if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
      frame.recorder.log('warn', `${photo}: debiasing was not taken back: ${describeError(error)}`);
    }
  }
  if (undone > 0) frame.recorder.note(`debiasing is off: ${plural(undone, 'mask')} as before it`);
}
