/**
 * One photo with everything there is to see of it: its mask as runs, the layers of the steps, the evidence of what was removed, a person's hints. What cannot be read
 * is said, and never taken for empty.
 */
import { join } from 'node:path';
import { Choices } from '../../dataset/choices';
import { readRegions } from '../../dataset/evidenceStore';
import { sha256 } from '../../dataset/hash';
import { NO_HINTS, readHints } from '../../dataset/hints';
import { decodeMask, type DecodedMask } from '../../dataset/maskFile';
import { readMask } from '../../dataset/maskStore';
import { maskFacts } from '../../dataset/photoFacts';
import { SeedMaskError } from '../../shared/errors';
import { encodeRuns } from '../../shared/labelRuns';
import type { Params } from '../../shared/protocol';
import type { Layer, PhotoView } from '../../shared/review';
import { stepLayers, truthLayer } from './photoLayers';
import { openPhotoFile, previewOf } from './pictures';
import { setWith, type ReviewSet } from './reviewSet';

/** @throws SeedMaskError 'refused-path', and where the photo itself cannot be read 'bad-image', 'too-large', 'removed', 'io' */
export async function reviewPhoto({ root, settings, photo, truth }: Params<'reviewPhoto'>): Promise<PhotoView> {
  const set = await setWith(root, settings, [photo]);
  await set.check(photo);
  const file = await openPhotoFile(join(root, photo), photo);
  const { width, height } = file;
  const [mask, layers, trueMask, evidence, hints, preview] = await Promise.all([
    maskView(set, photo, width, height),
    set.manifest().then(manifest => stepLayers(set, photo, manifest.get(photo))),
    trueMaskView(truth, photo, set),
    evidenceOf(set.home, photo),
    readHints(root),
    file.shown ? undefined : previewOf(file, photo),
  ]);
  const problems = [mask.problem, trueMask.problem].filter(problem => problem !== undefined);
  return {
    photo,
    width,
    height,
    source: sha256(file.bytes),
    ...(preview && { preview }),
    mask: mask.mask,
    ...(problems.length > 0 && { maskProblem: problems.join('; ') }),
    layers: [...layers, ...(trueMask.layer ? [trueMask.layer] : [])],
    evidence,
    hints: hints.get(photo) ?? NO_HINTS,
  };
}

async function maskView(set: ReviewSet, photo: string, width: number, height: number): Promise<{ mask: PhotoView['mask']; problem?: string }> {
  const refusal = set.refusalOf(photo);
  if (refusal !== undefined) return { mask: null, problem: refusal };
  const place = await set.place(photo);
  let decoded: DecodedMask;
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readMask(place);
    if (!bytes) return { mask: null };
    if (bytes.length === 0) return { mask: null, problem: 'the mask file is empty' };
    decoded = decodeMask(bytes);
  } catch (error) {
    if (!(error instanceof SeedMaskError)) throw error;
    return { mask: null, problem: error.message };
  }
  const { labels, reordered } = decoded;
  await set.learn(photo, { ...(await maskFacts(set.root, place.mask, bytes, labels)), change: set.facts.get(photo)?.change ?? null }, false);
  const problems = [
    ...(labels.width !== width || labels.height !== height ? [`the mask is ${labels.width} x ${labels.height}, the photo ${width} x ${height}: it is shown stretched and cannot be edited`] : []),
    ...(reordered ? ['its palette shows colours of other ids: another program has probably re-ordered it, and the labels may be wrong'] : []),
  ];
  return {
    mask: { hash: sha256(bytes), width: labels.width, height: labels.height, runs: encodeRuns(labels.data), ...(problems.length > 0 && { problem: problems.join('; ') }) },
  };
}

async function trueMaskView(folder: string | undefined, photo: string, set: ReviewSet): Promise<{ layer?: Layer; problem?: string }> {
  if (folder === undefined) return {};
  try {
    const layer = await truthLayer(folder, photo, set.table);
    return layer ? { layer } : {};
  } catch (error) {
    if (!(error instanceof SeedMaskError)) throw error;
    return { problem: `the true mask: ${error.message}` };
  }
}

async function evidenceOf(home: string, photo: string): Promise<PhotoView['evidence']> {
  const regions = await readRegions(home, photo);
  if (regions.length === 0) return [];
  const choices = await Choices.read(home);
  return regions.map(region => {
    const { pixels: _, ...evidence } = region;
    return { ...evidence, choice: choices.of(region) };
  });
}
