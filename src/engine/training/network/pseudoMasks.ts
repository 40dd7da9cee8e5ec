/**
 * The masks that a segmentation network is taught: those of the stage before it, or the seeds. Each is made when it is first needed and kept, deflated, in memory: a
 * kilobyte or two a photo. Where debiasing took something away from the seed, that is known of the mask, too.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { thresholdMask } from '../../../pipeline/photoMask';
import { resizeLabels } from '../../../pipeline/resize';
import { plane, zeroMaps, type LabelMap, type Maps } from '../../../shared/maps';
import type { PhotoScorer, TrainingData, TrainingPhoto } from '../trainingStage';

export interface PseudoMask {
  /** Class ids, 0 background. */
  labels: LabelMap;
  /** Of the same size: the class that debiasing took away, 0 elsewhere; `labels` still have it. Absent where it took nothing. */
  removed?: LabelMap;
}

interface Packed {
  height: number;
  width: number;
  labels: Buffer;
  removed?: Buffer;
}

export class PseudoMasks {
  private readonly kept = new Map<string, Packed>();

  /** @param scorer of the stage before; absent: the seeds teach */
  constructor(
    private readonly data: Pick<TrainingData, 'seed' | 'image' | 'features'>,
    private readonly scorer: PhotoScorer | undefined,
  ) {}

  /** @throws SeedMaskError with the reason why this photo has none */
  async of(photo: TrainingPhoto): Promise<PseudoMask> {
    const packed = this.kept.get(photo.photo) ?? pack(await this.make(photo));
    this.kept.set(photo.photo, packed);
    return unpack(packed);
  }

  async release(): Promise<void> {
    await this.scorer?.release();
  }

  private async make(photo: TrainingPhoto): Promise<PseudoMask> {
    if (photo.ids.length === 0) return { labels: { data: new Uint8Array(1), width: 1, height: 1 } };
    const { mask, removed } = await this.data.seed(photo);
    if (!this.scorer) return removed ? { labels: restored(mask, removed), removed } : { labels: mask };
    const scores = await this.scorer.scores({ image: await this.data.image(photo), features: await this.data.features(photo), ids: photo.ids, sha256: photo.sha256 });
    const labels = bestLabels(scores, photo.ids);
    if (!removed) return { labels };
    // What debiasing took of the seed is doubtful where the network says that class once more.
    const coarse = resizeLabels(removed, labels.height, labels.width);
    return { labels, removed: { ...labels, data: labels.data.map((label, p) => (label > 0 && coarse.data[p] === label ? label : 0)) } };
  }
}

function restored(mask: LabelMap, removed: LabelMap): LabelMap {
  return { ...mask, data: mask.data.map((label, p) => (removed.data[p] > 0 ? removed.data[p] : label)) };
}

/** The most probable of the background and `ids` at each cell. */
function bestLabels(scores: Maps, ids: readonly number[]): LabelMap {
  const classes = zeroMaps(ids.length, scores.height, scores.width);
  const background = plane(scores, 0);
  ids.forEach((_, k) => plane(classes, k).set(plane(scores, k + 1).map((value, p) => value - background[p])));
  return thresholdMask(classes, ids, 0);
}

function pack({ labels, removed }: PseudoMask): Packed {
  return { height: labels.height, width: labels.width, labels: deflateSync(labels.data), ...(removed && { removed: deflateSync(removed.data) }) };
}

function unpack({ height, width, labels, removed }: Packed): PseudoMask {
  const map = (bytes: Buffer): LabelMap => ({ data: new Uint8Array(inflateSync(bytes)), height, width });
  return { labels: map(labels), ...(removed && { removed: map(removed) }) };
}
