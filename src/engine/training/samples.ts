/**
 * A few photos whose masks are made anew after each epoch of a training, by the chain that a run makes masks with, for a person to see them grow. Kept in the run's
 * folder, `samples/`.
 */
import { join } from 'node:path';
import sharp from 'sharp';
import { atomicWrite } from '../../dataset/atomicWrite';
import { makeFolderFor } from '../../dataset/folder';
import { encodeMask } from '../../dataset/maskFile';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { LabelMap } from '../../shared/maps';
import { usesCrf } from '../../shared/settings';
import type { TrainingSample, TrainingStageName } from '../../shared/training';
import { resizePhoto } from '../images';
import { makeMask, type Maker } from '../jobs/photoMaker';
import { isFatal } from '../jobs/recorded';
import type { Workshop } from '../jobs/workshop';
import type { ChainPart, PhotoScorer, TrainingData, TrainingPhoto, TrainingStage } from './trainingStage';

const QUALITY = 85;

export class Samples {
  private readonly photos: readonly TrainingPhoto[];
  private readonly pictures = new Map<string, string>();

  /** @param folder the run's. @param count photos at most, spread over the folder and its classes */
  constructor(
    private readonly folder: string,
    private readonly data: TrainingData,
    private readonly maker: Maker,
    private readonly workshop: Workshop,
    count: number,
    private readonly tell: (sample: TrainingSample) => Promise<void>,
  ) {
    this.photos = spread(data.photos, count);
  }

  /** The masks before anything was trained. @throws SeedMaskError 'disk-full'; what the signal was aborted with */
  first(stage: TrainingStageName): Promise<void> {
    return this.each(stage, 0, async photo => (await this.data.seed(photo)).mask);
  }

  /** The masks after an epoch. @param own what the stage puts into the frozen chain by now, if that is what it learns. @throws as `first` */
  async after(stage: TrainingStage, epoch: number, own: ChainPart | undefined): Promise<void> {
    if (this.photos.length === 0) return;
    const scorer = own ? undefined : await scorerOf(stage);
    if (!scorer && !own) return;
    const maker = { ...this.maker, chain: [...(this.maker.chain ?? []), ...(own ? [own] : [])], crf: usesCrf(this.workshop.settings, scorer !== undefined), ...(scorer && { scorer }) };
    try {
      await this.each(stage.name, epoch, async photo => (await makeMask(maker, await this.workshop.read(photo.photo), photo, true)).mask);
    } finally {
      await scorer?.release();
    }
  }

  private async each(stage: TrainingStageName, epoch: number, mask: (photo: TrainingPhoto) => Promise<LabelMap>): Promise<void> {
    for (const [i, photo] of this.photos.entries()) {
      this.data.signal.throwIfAborted();
      try {
        await this.add(stage, epoch, photo, i, await mask(photo));
      } catch (error) {
        this.data.signal.throwIfAborted();
        if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
        this.data.log(`${photo.photo}: no sample of its mask: ${describeError(error)}`);
      }
    }
  }

  private async add(stage: TrainingStageName, epoch: number, { photo }: TrainingPhoto, index: number, mask: LabelMap): Promise<void> {
    const name = `samples/${stage}-${String(epoch).padStart(4, '0')}-${index}.png`;
    await this.write(name, encodeMask(mask));
    await this.tell({ stage, epoch, photo, mask: name, picture: await this.picture(photo, index, mask) });
  }

  /** The photo at the size of its masks. */
  private async picture(photo: string, index: number, { width, height }: LabelMap): Promise<string> {
    const known = this.pictures.get(photo);
    if (known !== undefined) return known;
    const name = `samples/photo-${index}.jpg`;
    const small = await resizePhoto((await this.workshop.read(photo)).image, width, height);
    await this.write(name, await sharp(small.data, { raw: { width, height, channels: 3 } }).jpeg({ quality: QUALITY }).toBuffer());
    this.pictures.set(photo, name);
    return name;
  }

  private async write(name: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.folder, name);
    await makeFolderFor(file);
    await atomicWrite(file, bytes);
  }
}

/** Nothing for stages that make no masks by themselves. */
async function scorerOf(stage: TrainingStage): Promise<PhotoScorer | undefined> {
  try {
    return await stage.scorer();
  } catch (error) {
    if (error instanceof SeedMaskError && error.reason === 'unavailable') return undefined;
    throw error;
  }
}

/** At most `count` photos with classes: of each class in turn one that is not there yet, evenly through the folder. */
export function spread(photos: readonly TrainingPhoto[], count: number): TrainingPhoto[] {
  const tagged = photos.filter(({ ids }) => ids.length > 0);
  const chosen = new Set<TrainingPhoto>();
  const classes = [...new Set(tagged.flatMap(({ ids }) => ids))].sort((a, b) => a - b);
  for (let turn = 0; chosen.size < Math.min(count, tagged.length); turn++) {
    const id = classes[turn % classes.length];
    const own = tagged.filter(photo => photo.ids.includes(id) && !chosen.has(photo));
    if (own.length > 0) chosen.add(own[Math.floor(own.length / 2)]);
  }
  return tagged.filter(photo => chosen.has(photo));
}
