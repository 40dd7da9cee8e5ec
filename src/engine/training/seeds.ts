/**
 * First labels: what the frozen chain says of each photo, at the size PAMR works at, debiased as the run's masks are. Where a person made or accepted the mask of a photo,
 * that is its mask here, too. They are kept in a home of their own, so that a folder's masks, manifest and evidence stay as they are; only photos that changed are made
 * anew:
 *
 *     .seedmask/training/seeds/scores/<photo>.scores  scores of its classes (scoreMaps.ts)
 *     .seedmask/training/seeds/masks/<photo>.png      its mask
 *     .seedmask/training/seeds/.seedmask/…            manifest and evidence of these masks
 */
import { readFile, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { ClassTable } from '../../dataset/classTable';
import { readBefore, removeMars } from '../../dataset/evidenceStore';
import { dataPath, makeFolderFor } from '../../dataset/folder';
import { sha256 } from '../../dataset/hash';
import { Manifest, type Making } from '../../dataset/manifest';
import { decodeMask, encodeMask } from '../../dataset/maskFile';
import { writeMask } from '../../dataset/maskStore';
import { readScoreMaps, writeScoreMaps } from '../../dataset/scoreMaps';
import { resizeLabels } from '../../pipeline/resize';
import { scaledHints } from '../../pipeline/hints';
import { SeedMaskError, describeError } from '../../shared/errors';
import { IGNORE, zeroMaps, type LabelMap } from '../../shared/maps';
import { photoSize } from '../images';
import { debiasStage } from '../jobs/debiasStage';
import type { DebiasSource } from '../jobs/debiasSources';
import type { MaskKey } from '../jobs/maskWriter';
import { makeMask, workingSize, type Maker } from '../jobs/photoMaker';
import { assertHeld, isFatal, type Frame } from '../jobs/recorded';
import type { Workshop } from '../jobs/workshop';
import type { Seed, TrainingPhoto } from './trainingStage';

export interface SeedsInput {
  root: string;
  photos: readonly TrainingPhoto[];
  table: ClassTable;
  /** Masks that a person made or accepted, by photo. */
  persons: ReadonlyMap<string, DebiasSource>;
  key: MaskKey;
  maker: Maker;
  workshop: Workshop;
  frame: Frame;
  /** Whether masks are debiased. */
  debiases: boolean;
  /** Of their home: 'seeds', or what a stage that the chain has a part of is called. */
  name: string;
}

export class Seeds {
  private constructor(
    private readonly input: SeedsInput,
    private readonly home: string,
    private readonly manifest: Manifest,
    /** Photos that have seeds. */
    readonly photos: readonly TrainingPhoto[],
  ) {}

  /** Makes what is missing; photos that cannot have any are told in the log. @throws SeedMaskError 'disk-full', 'device-unavailable', 'locked', 'cancelled' */
  static async make(input: SeedsInput): Promise<Seeds> {
    const home = dataPath(input.root, 'training', input.name);
    const manifest = await Manifest.open(home);
    try {
      return await this.filled(input, home, manifest);
    } catch (error) {
      await manifest.close();
      throw error;
    }
  }

  private static async filled(input: SeedsInput, home: string, manifest: Manifest): Promise<Seeds> {
    const { frame, workshop: { progress, context, quarantine } } = input;
    const photos: TrainingPhoto[] = [];
    let made = 0;
    progress.begin('seeds', input.photos.length, input.debiases ? input.photos.length / 2 : 0);
    for (const photo of input.photos) {
      context.signal.throwIfAborted();
      await assertHeld(frame.lock);
      let instant = true;
      try {
        instant = await isThere(input, home, manifest, photo);
        if (!instant) {
          await quarantine.enter(photo.photo);
          await makeSeed(input, home, manifest, photo);
          made++;
        }
        photos.push(photo);
      } catch (error) {
        context.signal.throwIfAborted();
        if (isFatal(error)) throw error;
        frame.recorder.log('warn', `${photo.photo} is not learnt from: ${describeError(error)}`);
      }
      progress.step(instant);
    }
    await quarantine.leave();
    const seeds = new Seeds(input, home, manifest, photos);
    if (input.debiases) await seeds.debias(made > 0);
    return seeds;
  }

  /** Hash of all that the seeds were made of. */
  get hash(): string {
    const { persons, debiases } = this.input;
    return sha256(JSON.stringify([debiases, this.photos.map(({ photo, sha256: source }) => [photo, source, this.manifest.get(photo)?.key, persons.get(photo)?.before])]));
  }

  /** @throws SeedMaskError 'removed' where its files are not there any more */
  async read({ photo, ids }: TrainingPhoto): Promise<Seed> {
    const { root, persons, debiases } = this.input;
    const entry = this.manifest.get(photo);
    const file = entry && (await readFile(join(root, maskName(this.input, photo))).catch(() => undefined));
    const scores = entry && (await readScoreMaps(this.scoresFile(photo), entry.key));
    if (!entry || !file || scores?.channels !== ids.length) throw new SeedMaskError('removed', 'its first labels are not there any more; the next training makes them anew', photo);
    const person = await persons.get(photo)?.read();
    if (person) return { scores, mask: resizeLabels(person, scores.height, scores.width) };
    const kept = entry.before === undefined ? undefined : await readBefore(this.home, photo, entry.before);
    const before = decodeMask(kept ?? file).labels;
    if (!kept || !debiases) return { scores, mask: before };
    const after = decodeMask(file).labels;
    const removed = { ...before, data: before.data.map((id, i) => (id !== IGNORE && after.data[i] !== id ? id : 0)) };
    return { scores, mask: { ...before, data: before.data.map((id, i) => (removed.data[i] === 0 ? id : 0)) }, removed };
  }

  async close(): Promise<void> {
    await this.manifest.close();
  }

  private scoresFile(photo: string): string {
    return scoresFile(this.home, photo);
  }

  private async debias(stale: boolean): Promise<void> {
    const { root, table, workshop, frame, persons } = this.input;
    const sources: DebiasSource[] = [];
    for (const photo of this.photos) {
      const person = persons.get(photo.photo);
      sources.push(person ? await this.small(person) : await this.source(photo));
    }
    if (sources.length === 0) return;
    await debiasStage({ root, home: this.home, sources, wanted: undefined, table, manifest: this.manifest, workshop, frame, stale });
    // What was removed of first labels is no word on the folder's masks.
    frame.recorder.set({ debias: undefined });
  }

  /** A person's mask at the size of the others. It teaches and is not rewritten. */
  private async small(source: DebiasSource): Promise<DebiasSource> {
    const read = async (): Promise<LabelMap> => {
      const mask = await source.read();
      const [width, height] = workingSize(mask, this.input.maker.preset);
      return resizeLabels(mask, height, width);
    };
    const { writes: _, ...rest } = source;
    return { ...rest, read };
  }

  private async source({ photo, sha256: source, tags, ids, hints }: TrainingPhoto): Promise<DebiasSource> {
    const { root, maker } = this.input;
    const entry = this.manifest.get(photo);
    const mask = maskName(this.input, photo);
    const bytes = async (): Promise<Uint8Array> => {
      const kept = entry?.before === undefined ? await readFile(join(root, mask)) : await readBefore(this.home, photo, entry.before);
      if (!entry || !kept) throw new SeedMaskError('removed', 'its first labels are not there any more', photo);
      return kept;
    };
    const before = entry?.before ?? entry?.output ?? '';
    const size = hints && (await photoSize(join(root, photo), photo));
    const [width, height] = size ? workingSize(size, maker.preset) : [0, 0];
    const making: Making = { source, tags, key: entry?.key ?? '' };
    return {
      photo, source, tags: ids, before, bytes, read: async () => decodeMask(await bytes()).labels, writes: { mask, making },
      ...(hints && size && { hints: scaledHints(hints, size, { height, width }) }),
    };
  }
}

/** Seeds of this photo as it is now are there and whole. */
async function isThere(input: SeedsInput, home: string, manifest: Manifest, { photo, sha256: source, tags, ids, hints }: TrainingPhoto): Promise<boolean> {
  const entry = manifest.get(photo);
  if (entry?.key !== input.key(tags, hints) || entry.source !== source) return false;
  const file = await readFile(join(input.root, maskName(input, photo))).catch(() => undefined);
  if (!file || sha256(file) !== entry.output) return false;
  if (entry.before !== undefined && (await readBefore(home, photo, entry.before)) === undefined) return false;
  return (await readScoreMaps(scoresFile(home, photo), entry.key))?.channels === ids.length;
}

async function makeSeed(input: SeedsInput, home: string, manifest: Manifest, { photo, sha256: source, tags, ids, hints }: TrainingPhoto): Promise<void> {
  const { root, key, maker, workshop, frame } = input;
  const read = await workshop.read(photo);
  if (read.sha256 !== source) throw new SeedMaskError('changed-during-run', 'the photo changed since the run began', photo);
  const own = key(tags, hints);
  const [width, height] = workingSize(read, maker.preset);
  const made = ids.length > 0 ? await makeMask(maker, read, { photo, tags, ids, ...(hints && { hints }) }, true) : undefined;
  await writeScoreMaps(scoresFile(home, photo), own, made?.scores ?? zeroMaps(0, height, width));
  const place = { root, photo, mask: maskName(input, photo) };
  const bytes = encodeMask(made?.mask ?? { data: new Uint8Array(height * width), height, width });
  // Whatever is there is a cache's, and no person's.
  await rm(join(root, place.mask), { force: true });
  await makeFolderFor(join(root, place.mask));
  await removeMars(home, photo);
  await writeMask(place, bytes, manifest, { source, tags, key: own }, { device: maker.device, run: frame.recorder.id });
}

const scoresFile = (home: string, photo: string): string => join(home, 'scores', `${photo}.scores`);

/** Relative to the root, as masks are named. */
const maskName = ({ name }: SeedsInput, photo: string): string => posix.join('.seedmask', 'training', name, 'masks', `${photo}.png`);
