/**
 * What a training learns from, of a folder: features from the cache or computed, photos and seeds from the disk, a person's masks and hints as certain pixels. Nothing but
 * names stays in memory.
 */
import { join } from 'node:path';
import type { DebiasSource } from '../jobs/debiasSources';
import { makeMask, type Maker } from '../jobs/photoMaker';
import type { Workshop } from '../jobs/workshop';
import { hintedCells } from '../../pipeline/hints';
import { resizeLabels } from '../../pipeline/resize';
import { SeedMaskError } from '../../shared/errors';
import { IGNORE, type LabelMap, type RgbImage } from '../../shared/maps';
import { photoSize } from '../images';
import type { OnnxHost } from '../session';
import type { Seeds } from './seeds';
import type { TrainingData, TrainingPhoto } from './trainingStage';

export interface TrainingDataInput {
  workshop: Workshop;
  host: OnnxHost;
  maker: Maker;
  seeds: Seeds;
  classes: TrainingData['classes'];
  persons: ReadonlyMap<string, DebiasSource>;
  log(message: string): void;
}

export function trainingData({ workshop, host, maker, seeds, classes, persons, log }: TrainingDataInput): TrainingData {
  const { extractor, learnt } = maker;
  return {
    photos: seeds.photos,
    classes,
    host,
    model: workshop.models.backbone,
    learnt,
    signal: workshop.context.signal,
    log,
    async features({ photo, sha256 }) {
      return (await workshop.features(photo, sha256)).features;
    },
    extract: (image, content) => extractor.extract(image, content, workshop.context.signal),
    tiles: (photo, perSide) => extractor.tiles(() => readImage(workshop, photo), photo.sha256, perSide, workshop.context.signal),
    image: photo => readImage(workshop, photo),
    seed: photo => seeds.read(photo),
    mask: async (photo, scorer) => (await makeMask({ ...maker, scorer }, await workshop.read(photo.photo), photo, true)).mask,
    certain: (photo, height, width) => certain(workshop.root, photo, persons.get(photo.photo), height, width),
  };
}

async function readImage(workshop: Workshop, { photo, sha256 }: TrainingPhoto): Promise<RgbImage> {
  const read = await workshop.read(photo);
  if (read.sha256 !== sha256) throw new SeedMaskError('changed-during-run', 'the photo changed since the training began', photo);
  return read.image;
}

/** Labels that are no class of the photo are nobody's word on it. */
async function certain(root: string, { photo, ids, hints }: TrainingPhoto, person: DebiasSource | undefined, height: number, width: number): Promise<LabelMap | undefined> {
  const hinted = hints && hintedCells(hints, ids, await photoSize(join(root, photo), photo), height, width);
  const painted = person && resizeLabels(await person.read(), height, width);
  if (!painted) return hinted;
  const own = new Set([0, ...ids]);
  const data = painted.data.map((id, i) => (own.has(id) ? id : (hinted?.data[i] ?? IGNORE)));
  return data.every(id => id === IGNORE) ? undefined : { data, height, width };
}
