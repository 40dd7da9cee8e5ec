/**
 * How much of a class's mask lies on its usual surroundings, measured where true masks know these too (water, sky, road …): before debiasing and after, beside the share
 * of the true object that was lost on the way. And how good the choice of clusters was: MARS counts a selected cluster as right if its IoU with the class's true cells
 * is over 0.3 (ICCV 2023, section 3: over 85 % of them).
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { ClassTable } from '../../dataset/classTable';
import { readClassEvidence, readClusterGrid } from '../../dataset/evidenceStore';
import { cellLabels } from '../../pipeline/mars/clusters';
import { SeedMaskError } from '../../shared/errors';
import { IGNORE, type LabelMap } from '../../shared/maps';
import type { Leak, Params } from '../../shared/protocol';

/** Objects and what usually comes along with them, where nobody names others. */
const USUAL_PAIRS = [['boat', 'water'], ['aeroplane', 'sky'], ['cow', 'grass'], ['sheep', 'grass'], ['car', 'road'], ['bicycle', 'road']] as const;
const RIGHT_IOU = 0.3;

interface Counted {
  object: string;
  context: string;
  objectId: number;
  contextId: number;
  photos: number;
  before: { all: number; context: number; right: number };
  after: { all: number; context: number };
  kept: number;
}

export class LeakMeter {
  /** Pixels of true objects in masks before, and of these in masks after. */
  private right = 0;
  private kept = 0;

  private constructor(private readonly pairs: readonly Counted[]) {}

  /**
   * @param objects ids and names of the classes in masks and truth
   * @throws SeedMaskError 'bad-settings' if the file of names is damaged, or a pair that was asked for has a name that is nowhere
   */
  static async open({ classes, pairs }: NonNullable<Params<'evaluate'>['leak']>, objects: ClassTable): Promise<LeakMeter> {
    const surroundings = await readNames(classes);
    const asked = pairs ?? USUAL_PAIRS.map(([object, context]) => ({ object, context }));
    const counted = asked.flatMap(({ object, context }) => {
      const objectId = objects.idOf(object);
      const contextId = surroundings.idOf(context);
      if (objectId !== undefined && contextId !== undefined) {
        return [{ object, context, objectId, contextId, photos: 0, before: { all: 0, context: 0, right: 0 }, after: { all: 0, context: 0 }, kept: 0 }];
      }
      if (pairs) throw new SeedMaskError('bad-settings', `there is no class '${objectId === undefined ? object : context}'`, objectId === undefined ? undefined : classes);
      return [];
    });
    return new LeakMeter(counted);
  }

  /** One photo; all of one size. `around`: the true mask with surroundings. */
  add(before: LabelMap, after: LabelMap, truth: LabelMap, around: LabelMap): void {
    for (let p = 0; p < truth.data.length; p++) {
      const label = truth.data[p];
      if (label === 0 || label === IGNORE || before.data[p] !== label) continue;
      this.right++;
      if (after.data[p] === label) this.kept++;
    }
    for (const pair of this.pairs) {
      const { objectId, contextId } = pair;
      let seen = false;
      for (let p = 0; p < truth.data.length; p++) {
        const was = before.data[p] === objectId;
        const is = after.data[p] === objectId;
        const right = truth.data[p] === objectId;
        if (!was && !is && !right) continue;
        seen = true;
        const context = around.data[p] === contextId;
        if (was) pair.before.all++;
        if (was && context) pair.before.context++;
        if (was && right) pair.before.right++;
        if (is) pair.after.all++;
        if (is && context) pair.after.context++;
        if (was && is && right) pair.kept++;
      }
      if (seen) pair.photos++;
    }
  }

  /** Share of all true objects' pixels in masks before that is gone after. */
  lost(): number | null {
    return ratio(this.right - this.kept, this.right);
  }

  leaks(): Leak[] {
    return this.pairs
      .filter(({ photos }) => photos > 0)
      .map(({ object, context, photos, before, after, kept }) => ({
        object, context, photos, before: ratio(before.context, before.all), after: ratio(after.context, after.all), lost: ratio(before.right - kept, before.right),
      }));
  }
}

function ratio(part: number, all: number): number | null {
  return all > 0 ? part / all : null;
}

/** Clusters that made prototypes, judged by true masks. */
export class SelectedClusters {
  clusters = 0;
  right = 0;

  private constructor(
    private readonly home: string,
    /** Photo -> its selected clusters. */
    private readonly selected: ReadonlyMap<string, readonly { classId: number; cluster: number }[]>,
  ) {}

  static async open(home: string): Promise<SelectedClusters> {
    const selected = new Map<string, { classId: number; cluster: number }[]>();
    for (const { classId, clusters, selected: count } of await readClassEvidence(home)) {
      for (const { photo, cluster } of clusters.slice(0, count)) selected.set(photo, [...(selected.get(photo) ?? []), { classId, cluster }]);
    }
    return new SelectedClusters(home, selected);
  }

  /** @param toTruth id of ours -> id in the true mask */
  async add(photo: string, truth: LabelMap, toTruth: Uint8Array): Promise<void> {
    const chosen = this.selected.get(photo);
    const grid = chosen && (await readClusterGrid(this.home, photo));
    if (!chosen || !grid) return;
    const trueCells = cellLabels(truth, grid.height, grid.width);
    for (const { classId, cluster } of chosen) {
      let [both, either] = [0, 0];
      trueCells.forEach((label, cell) => {
        const inCluster = grid.first[cell] === classId && grid.second[cell] === cluster;
        const inTruth = label === toTruth[classId];
        if (inCluster && inTruth) both++;
        if (inCluster || inTruth) either++;
      });
      this.clusters++;
      if (both > RIGHT_IOU * either) this.right++;
    }
  }
}

/** A list of names (background first), or a table of classes. */
async function readNames(file: string): Promise<ClassTable> {
  try {
    const json: unknown = JSON.parse(await readFile(file, 'utf8'));
    const names = v.parse(v.union([v.array(v.string()), v.pipe(v.object({ classes: v.array(v.object({ id: v.number(), name: v.string() })) }), v.transform(({ classes }) => classes))]), json);
    return ClassTable.of(names.map((one, id) => (typeof one === 'string' ? { id, name: one } : one)), file);
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    throw new SeedMaskError('bad-settings', 'the names of the surroundings cannot be read: a JSON list of names is needed', file, { cause: error });
  }
}
