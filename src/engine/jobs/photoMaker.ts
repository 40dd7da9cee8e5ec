/**
 * The mask of one photo from its pixels and features, nothing written: by the heads' activation maps, or by a trained network where there is one.
 */
import type { Preset } from '../../../models/presets';
import { scoredMask } from '../../pipeline/decoderMask';
import { scaledHints } from '../../pipeline/hints';
import { photoMask, type PhotoMask, type PhotoMaskInput } from '../../pipeline/photoMask';
import { propagateByHand } from '../../pipeline/propagation';
import type { Scg } from '../../pipeline/scg';
import type { Hints } from '../../shared/review';
import { resizePhoto, type Photo } from '../images';
import { camLayers, surenessOf, type Learnt } from '../learning';
import type { FeatureExtractor, PhotoFeatures } from '../photoFeatures';
import type { ChainPart, PhotoScorer, ScoredPhoto } from '../training/trainingStage';

/** What photos with tags need. */
export interface Maker {
  extractor: FeatureExtractor;
  learnt: Learnt;
  scg: Scg;
  preset: Preset;
  crf: boolean;
  device: string;
  signal: AbortSignal;
  /** Of a trained network. */
  scorer?: PhotoScorer;
  /** What trained stages put into the frozen chain; of two of a kind the later one counts. */
  chain?: readonly ChainPart[];
}

/** A photo with tags. */
export interface TaggedPhoto {
  photo: string;
  tags: readonly string[];
  /** Class ids of the tags. */
  ids: readonly number[];
  hints?: Hints;
}

/** @param small the mask at the size PAMR works at, instead of the photo's. @throws SeedMaskError with the reason why this photo has no mask */
export async function makeMask(maker: Maker, read: Photo, { photo, tags, ids, hints }: TaggedPhoto, small = false): Promise<PhotoMask> {
  const { preset, learnt, extractor, scorer, chain } = maker;
  const features: PhotoFeatures = (await extractor.cached(read.sha256)) ?? (await extractor.compute(read.image, read.sha256, maker.signal));
  const linear = camLayers(features, learnt, tags);
  const scored: ScoredPhoto = { image: read.image, features, ids, sha256: read.sha256 };
  const heads = (await chain?.findLast(part => part.layers)?.layers?.(features, ids)) ?? linear;
  const layers = [...heads, ...((await scorer?.layers?.(scored)) ?? [])];
  const trained = chain?.findLast(part => part.propagate);
  const similarity = linear[linear.length > 1 ? 1 : 0].views[0];
  const picture = await resizePhoto(read.image, ...workingSize(read, preset));
  const size = small ? { height: picture.height, width: picture.width } : { height: read.height, width: read.width };
  const input: PhotoMaskInput = {
    ids,
    layers,
    similarity,
    sureness: surenessOf(learnt, { photo, tags }),
    photo: picture,
    ...(features.saliency && { saliency: features.saliency, lookCloser: (box, mirrored) => extractor.lookCloser(read.image, box, mirrored) }),
    crf: maker.crf,
    propagate: async scores => {
      if (preset.propagation.kind === 'edges') return propagateByHand(scores, picture, similarity, preset.propagation, preset.mask.threshold);
      return (await trained?.propagate?.(scores, picture, features)) ?? scores;
    },
    ...(hints && { hints: scaledHints(hints, read, size) }),
    ...size,
  };
  if (!scorer) return photoMask(input, preset, maker.scg);
  return scoredMask(await scorer.scores(scored), input, preset, maker.scg);
}

/** Width and height of a photo at the size PAMR works at. */
export function workingSize({ width, height }: { width: number; height: number }, { pamr: { longSide } }: Preset): [number, number] {
  const scale = Math.min(1, longSide / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
