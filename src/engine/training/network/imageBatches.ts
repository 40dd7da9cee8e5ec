/**
 * Batches of augmented crops: each epoch goes through the photos in an order of its own, and what becomes of a photo is decided by (seed, epoch, step, place in the
 * batch) alone, so that a training that goes on in the middle sees what it would have seen. The next batch is decoded while the step before it runs; no more than two
 * are in memory.
 */
import type { Augmentation } from '../../../../models/networkPreset';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { SeedMaskError, describeError } from '../../../shared/errors';
import type { RgbImage } from '../../../shared/maps';
import { resizePhoto } from '../../images';
import type { TrainingData, TrainingPhoto } from '../trainingStage';
import { jitterColours } from './colourJitter';
import { cropImage, type CropView } from './crops';

export interface Crop {
  photo: TrainingPhoto;
  /** side x side. */
  image: RgbImage;
  view: CropView;
}

export interface BatchOptions extends Augmentation {
  batch: number;
  seed: number;
  /** Of the padding. */
  colour: readonly [number, number, number];
}

export class ImageBatches {
  private next: { key: string; crops: Promise<Crop[]> } | undefined;
  private readonly told = new Set<string>();

  constructor(
    private readonly data: Pick<TrainingData, 'photos' | 'image' | 'log'>,
    private readonly options: BatchOptions,
  ) {}

  /** A rest of photos that fills no batch waits for the next epoch, in which it stands elsewhere; fewer photos than a batch are seen several times. */
  get stepsPerEpoch(): number {
    return Math.max(1, Math.floor(this.data.photos.length / this.options.batch));
  }

  /**
   * The crops of a step (from 0) of an epoch (from 1). A photo that cannot be read is told once and its neighbour in the epoch's order taken.
   * @throws SeedMaskError 'nothing-to-learn' if no photo can be read
   */
  async take(epoch: number, step: number): Promise<Crop[]> {
    const key = `${epoch} ${step}`;
    const crops = this.next?.key === key ? this.next.crops : this.load(epoch, step);
    this.next = undefined;
    const loaded = await crops;
    const following = step + 1 < this.stepsPerEpoch ? [epoch, step + 1] as const : [epoch + 1, 0] as const;
    this.next = { key: following.join(' '), crops: this.load(...following) };
    // It is asked for later, or never.
    this.next.crops.catch(() => undefined);
    return loaded;
  }

  private async load(epoch: number, step: number): Promise<Crop[]> {
    const { photos } = this.data;
    const { seed, batch } = this.options;
    const order = shuffled(photos.length, uniform(mixSeed(seed, epoch)));
    const crops: Crop[] = [];
    for (let item = 0; item < batch; item++) {
      const place = step * batch + item;
      crops.push(await this.readable(i => photos[order[(place + i) % order.length]], mixSeed(seed, epoch, step, item)));
    }
    return crops;
  }

  private async readable(candidate: (i: number) => TrainingPhoto, seed: number): Promise<Crop> {
    for (let i = 0; i < this.data.photos.length; i++) {
      const photo = candidate(i);
      try {
        return await this.crop(photo, await this.data.image(photo), uniform(seed));
      } catch (error) {
        if (!(error instanceof SeedMaskError) || error.reason === 'cancelled') throw error;
        if (!this.told.has(photo.photo)) this.data.log(`${photo.photo} is not learnt from: ${describeError(error)}`);
        this.told.add(photo.photo);
      }
    }
    throw new SeedMaskError('nothing-to-learn', 'no photo can be read');
  }

  private async crop(photo: TrainingPhoto, image: RgbImage, random: () => number): Promise<Crop> {
    const { crop: side, longSide: { least, most }, flip, jitter, colour } = this.options;
    const longer = least + Math.floor(random() * (most - least + 1));
    const scale = longer / Math.max(image.width, image.height);
    const [width, height] = [image.width, image.height].map(length => Math.max(1, Math.round(length * scale)));
    const mirrored = random() < 0.5;
    const offset = (length: number): number => Math.min(0, length - side) + Math.floor(random() * (Math.abs(length - side) + 1));
    const view: CropView = { side, width, height, left: offset(width), top: offset(height), flip: flip && mirrored };
    const resized = await resizePhoto(image, width, height);
    return { photo, image: cropImage(jitter ? jitterColours(resized, jitter, random) : resized, view, colour), view };
  }
}
