/**
 * A data set as the review sees it: photos, tags, classes and the masks' places, read once with the queue and kept for the requests that follow, since a folder of a
 * hundred thousand photos is not searched again for each. Photos are named by others: only those of the scan, in a place inside the root, are touched.
 */
import { join } from 'node:path';
import { mergeClassTable, readClassTable, type ClassTable } from '../../dataset/classTable';
import { homeOf } from '../../dataset/debiased';
import { Manifest } from '../../dataset/manifest';
import type { MaskPlace } from '../../dataset/maskStore';
import { planOutputs } from '../../dataset/outputs';
import { cleanRelativePath, printable, staysInside } from '../../dataset/paths';
import { readFacts, recordFacts, type Facts } from '../../dataset/photoFacts';
import { listRuns } from '../../dataset/runs';
import { scanPhotos } from '../../dataset/scan';
import { readTags } from '../../dataset/tags/readTags';
import { SeedMaskError } from '../../shared/errors';
import type { ReviewSettings } from '../../shared/review';
import { DEFAULT_SETTINGS } from '../../shared/settings';

export class ReviewSet {
  private readonly places = new Set<string>();
  /** Facts found by looking, which writes nothing. */
  private readonly unwritten = new Map<string, Facts>();

  private constructor(
    readonly root: string,
    /** Where manifest, layers, evidence and facts of these masks lie: the root, or the home of debiased masks from elsewhere. */
    readonly home: string,
    readonly settings: ReviewSettings,
    readonly photos: readonly string[],
    private readonly known: ReadonlySet<string>,
    private readonly outputs: ReadonlyMap<string, string>,
    private readonly refused: ReadonlyMap<string, string>,
    public tags: ReadonlyMap<string, readonly string[]>,
    public table: ClassTable,
    /** Kept up to date with what this process writes and finds. */
    readonly facts: Map<string, Facts>,
    readonly notes: readonly string[],
  ) {}

  /** @throws SeedMaskError 'removed', 'io', 'bad-settings', 'bad-tags', 'too-many-classes' */
  static async open(root: string, settings: ReviewSettings): Promise<ReviewSet> {
    const scan = await scanPhotos(root, { outputName: settings.outputName });
    const plan = planOutputs(scan.photos, settings.outputName);
    const reading = await readTags(root, scan.photos, settings);
    const refused = new Map(plan.refused.map(({ photo, message }) => [photo, message]));
    const notes = [...scan.notes, ...reading.notes, ...plan.refused.map(({ photo, message }) => `${photo}: ${message}`)];
    const table = await tableWith(root, reading.tags);
    const home = await homeOf(root, settings.outputName);
    return new ReviewSet(root, home, settings, scan.photos, new Set(scan.photos), plan.outputs, refused, reading.tags, table, await readFacts(home), notes);
  }

  has(photo: string): boolean {
    return this.known.has(photo);
  }

  /** Class ids of a photo's tags; none where it has no tags. */
  idsOf(photo: string): number[] {
    return (this.tags.get(photo) ?? []).flatMap(tag => this.table.idOf(tag) ?? []);
  }

  /** Path of a photo's mask relative to the root, which may not be there; '' where it can have none. */
  maskOf(photo: string): string {
    return this.outputs.get(photo) ?? '';
  }

  /** Why a photo can have no mask, if so. */
  refusalOf(photo: string): string | undefined {
    return this.refused.get(photo);
  }

  /**
   * A photo that a message names, and its mask.
   * @throws SeedMaskError 'refused-path' (not a photo of this data set, a link that leads out of it, no mask of its own)
   */
  async place(photo: string): Promise<MaskPlace> {
    const mask = this.outputs.get(photo);
    await this.check(photo);
    if (mask === undefined) throw new SeedMaskError('refused-path', this.refused.get(photo) ?? 'it can have no mask', photo);
    return { root: this.root, photo, mask };
  }

  /** @throws SeedMaskError 'refused-path' unless `photo` is one of this data set. */
  async check(photo: string): Promise<void> {
    const clean = cleanRelativePath(photo);
    if ('refused' in clean) throw new SeedMaskError('refused-path', `the photo's name ${clean.refused}`, printable(photo));
    if (!this.known.has(photo)) throw new SeedMaskError('refused-path', 'is not a photo of this folder', printable(photo));
    if (this.places.has(photo)) return;
    if (!(await staysInside(this.root, join(this.root, photo)))) throw new SeedMaskError('refused-path', 'leads out of the folder', photo);
    this.places.add(photo);
  }

  /** With what other processes have added so far. @throws SeedMaskError 'io' */
  async manifest(): Promise<Manifest> {
    const following = manifests.get(this.home) ?? Manifest.follow(this.home);
    manifests.set(this.home, following);
    following.catch(() => manifests.delete(this.home));
    const manifest = await following;
    await manifest.refresh();
    return manifest;
  }

  /** Takes in facts of a photo; `keep`: on disk, too. */
  async learn(photo: string, facts: Facts, keep: boolean): Promise<void> {
    this.facts.set(photo, { ...this.facts.get(photo), ...facts });
    if (keep) await recordFacts(this.home, photo, facts);
    else this.unwritten.set(photo, facts);
  }

  /** What the set before this one has found by looking. */
  async takeOver(former: ReviewSet): Promise<void> {
    for (const [photo, facts] of former.unwritten) if (this.has(photo)) await this.learn(photo, facts, false);
  }

  /** Tags anew, after a person changed some. */
  async readTagsAgain(): Promise<void> {
    this.tags = (await readTags(this.root, this.photos, this.settings)).tags;
    this.table = await tableWith(this.root, this.tags, this.table);
  }

  /** Writes down the ids that a person has seen and may have painted with. Within a turn. @throws SeedMaskError as mergeClassTable does */
  async keepClasses(): Promise<void> {
    const there = await readClassTable(this.root);
    if (this.table.classes.some(({ id, name }) => there.idOf(name) !== id)) await mergeClassTable(this.root, this.table);
  }
}

/** Ids given in this session, on top of those on disk, stay. */
async function tableWith(root: string, tags: ReadonlyMap<string, readonly string[]>, session?: ClassTable): Promise<ClassTable> {
  return (session ?? (await readClassTable(root))).with([...new Set([...tags.values()].flat())]);
}

const manifests = new Map<string, Promise<Manifest>>();

const MOST_SETS = 4;
const kept = new Map<string, { set: Promise<ReviewSet>; settings: string }>();

/**
 * The data set, from memory unless `anew`; without settings, those of the last queue, else of the last run.
 * @throws SeedMaskError as ReviewSet.open does
 */
export async function reviewSet(root: string, settings: ReviewSettings | undefined, anew = false): Promise<ReviewSet> {
  const old = kept.get(root);
  if (old && !anew && (!settings || old.settings === nameOf(settings))) return old.set;
  const wanted = settings ?? (await lastSettings(root));
  const set = ReviewSet.open(root, wanted).then(async opened => {
    const former = await old?.set.catch(() => undefined);
    if (former) await opened.takeOver(former);
    return opened;
  });
  kept.delete(root);
  kept.set(root, { set, settings: nameOf(wanted) });
  set.catch(() => {
    if (kept.get(root)?.set === set) kept.delete(root);
  });
  const [oldest] = kept.keys();
  if (kept.size > MOST_SETS) kept.delete(oldest);
  return set;
}

/** The data set with a photo that a message names: one that is new in the folder is searched for. */
export async function setWith(root: string, settings: ReviewSettings | undefined, photos: readonly string[]): Promise<ReviewSet> {
  const set = await reviewSet(root, settings);
  const clean = photos.filter(photo => !set.has(photo) && 'path' in cleanRelativePath(photo));
  return clean.length > 0 ? reviewSet(root, set.settings, true) : set;
}

function nameOf({ outputName, tagsFile, backgroundNames }: ReviewSettings): string {
  return JSON.stringify([outputName, tagsFile, backgroundNames]);
}

async function lastSettings(root: string): Promise<ReviewSettings> {
  const { outputName, tagsFile, backgroundNames } = (await listRuns(root))[0]?.settings ?? DEFAULT_SETTINGS;
  return { outputName, ...(tagsFile !== undefined && { tagsFile }), backgroundNames };
}
