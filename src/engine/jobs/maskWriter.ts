/**
 * Makes and writes the mask of one photo, with its layers and its line in the manifest. The photo is read once more and must be what it was when the run
 * began, or its features are computed anew; a photo that changes while its mask is made is done again.
 */
import { join } from 'node:path';
import type { ClassTable } from '../../dataset/classTable';
import { removeMars } from '../../dataset/evidenceStore';
import { removeLayers, writeLayers } from '../../dataset/layers';
import type { Manifest } from '../../dataset/manifest';
import { decodeMask, encodeMask } from '../../dataset/maskFile';
import { readMask, writeMask, type MaskPlace } from '../../dataset/maskStore';
import { maskFacts, recordFacts, seedFacts } from '../../dataset/photoFacts';
import type { PhotoMask } from '../../pipeline/photoMask';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { LabelMap } from '../../shared/maps';
import type { Hints } from '../../shared/review';
import { readPhoto, type Photo, type ReadOptions } from '../images';
import { makeMask, type Maker } from './photoMaker';

/** Hash of everything that the mask of a photo with these tags and hints depends on besides the photo. */
export type MaskKey = (tags: readonly string[], hints?: Hints) => string;

export interface WriterBase {
  root: string;
  outputs: ReadonlyMap<string, string>;
  table: ClassTable;
  manifest: Manifest;
  key: MaskKey;
  /** A person's, of photos that have any. */
  hints?: ReadonlyMap<string, Hints>;
  run: string;
  readOptions(photo: string): ReadOptions;
  warn(message: string): void;
}

/** A photo whose mask is to be made. */
export interface MaskTask {
  photo: string;
  tags: readonly string[];
}

/** A photo that keeps changing is given up after this many tries. */
const TRIES = 3;

export class MaskWriter {
  constructor(
    private readonly base: WriterBase,
    private readonly maker: Maker | undefined,
  ) {}

  /** @throws SeedMaskError with the reason why this photo has no mask. */
  async write({ photo, tags }: MaskTask): Promise<'written' | 'kept' | 'skipped'> {
    const { root, outputs, manifest, key, run } = this.base;
    const hints = this.base.hints?.get(photo);
    const device = this.maker?.device ?? 'none';
    for (let attempt = 1; ; attempt++) {
      const read = await readPhoto(join(root, photo), this.base.readOptions(photo));
      const { mask, made } = await this.make(read, photo, tags, hints);
      try {
        const place = { root, photo, mask: outputs.get(photo) ?? '' };
        // Layers first: a run that ends in between makes both again.
        if (made) await this.storeLayers(photo, tags, made);
        else await removeLayers(root, photo);
        // What was removed of the mask before is no word on this one.
        await removeMars(root, photo);
        const bytes = encodeMask(mask);
        const old = await oldMask(place);
        const outcome = await writeMask(place, bytes, manifest, { source: read.sha256, tags, key: key(tags, hints) }, { device, run });
        if (outcome === 'written') await this.storeFacts(place, bytes, mask, made, old);
        return outcome;
      } catch (error) {
        if (!(error instanceof SeedMaskError && error.reason === 'changed-during-run') || attempt === TRIES) throw error;
      }
    }
  }

  private async make(read: Photo, photo: string, tags: readonly string[], hints: Hints | undefined): Promise<{ mask: LabelMap; made?: PhotoMask }> {
    const { width, height } = read;
    if (tags.length === 0) return { mask: { data: new Uint8Array(width * height), width, height } };
    const { maker } = this;
    if (!maker) throw new Error('a photo with tags needs models');
    const made = await makeMask(maker, read, { photo, tags, ids: tags.map(tag => this.idOf(tag)), ...(hints && { hints }) });
    return { mask: made.mask, made };
  }

  /** What the review's queue shows of the photo. */
  private async storeFacts({ root, photo, mask }: MaskPlace, bytes: Uint8Array, labels: LabelMap, made: PhotoMask | undefined, old: LabelMap | undefined): Promise<void> {
    const { preset } = this.maker ?? {};
    const sure = made && preset ? seedFacts(made.refined, preset.mask.threshold, made.seed) : { ignore: 0, entropy: 0 };
    await recordFacts(root, photo, { ...(await maskFacts(root, mask, bytes, labels, old)), ...sure });
  }

  /** Layers explain a mask; where they cannot be kept the mask is made all the same, unless it would meet the same trouble. */
  private async storeLayers(photo: string, tags: readonly string[], { cam, refined, seed }: PhotoMask): Promise<void> {
    const { preset } = this.maker ?? {};
    if (!preset) return;
    const thresholds = {
      cam: preset.cam.threshold,
      refined: preset.mask.threshold,
      foreground: preset.certainFilter.foreground,
      background: preset.certainFilter.background,
    };
    const classes = tags.map(tag => ({ id: this.idOf(tag), name: tag }));
    try {
      await writeLayers(this.base.root, photo, { info: { thresholds, model: this.base.key(tags), classes }, cams: cam, refined, seed });
    } catch (error) {
      if (!(error instanceof SeedMaskError) || error.reason === 'disk-full' || error.reason === 'numeric') throw error;
      this.base.warn(`${photo}: its layers are not kept: ${describeError(error)}`);
    }
  }

  private idOf(tag: string): number {
    const id = this.base.table.idOf(tag);
    if (id === undefined) throw new Error(`no class id for '${tag}'`);
    return id;
  }
}

/** The mask that is there, to be compared with its successor; nothing if it cannot be. */
async function oldMask(place: MaskPlace): Promise<LabelMap | undefined> {
  try {
    const bytes = await readMask(place);
    return bytes && bytes.length > 0 ? decodeMask(bytes).labels : undefined;
  } catch (error) {
    if (!(error instanceof SeedMaskError)) throw error;
    return undefined;
  }
}
