/**
 * What learnt heads of Puzzle-CAM say of a photo: raw maps by layer, which stand in for those of the linear heads (`tagCam`).
 */
import { mapParameters, puzzleMapsGraph, type PuzzleHead } from '../../../../models/puzzleHeads';
import type { Preset } from '../../../../models/presets';
import type { TrainingState } from '../../../../models/trainer';
import type { PuzzlePreset } from '../../../../models/trainingPreset';
import { tagCam, type ScoredLayer } from '../../../pipeline/tagCam';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../../../shared/graph';
import { plane, zeroMaps, type Maps } from '../../../shared/maps';
import type { PhotoFeatures, Role } from '../../photoFeatures';
import type { PhotoScorer, ScoringData } from '../trainingStage';

/** Cells of one run. */
const BLOCK = 432;

/** A head whose layer is known to the extractor. */
export interface RoleHead extends PuzzleHead {
  role: Role;
}

export class PuzzleCam {
  private readonly runners = new Map<Role, Promise<GraphRunner>>();

  /**
   * @param parameters as they were learnt
   * @param classes ids by channel
   */
  constructor(
    private readonly host: GraphHost,
    private readonly heads: readonly RoleHead[],
    private readonly classes: readonly { id: number }[],
    private readonly parameters: TrainingState['tensors'],
  ) {}

  /** Raw maps of all classes of one layer, K x h x w. */
  async maps(head: RoleHead, features: Maps): Promise<Maps> {
    const { channels, height, width } = features;
    const size = height * width;
    const runner = await this.runner(head);
    const fixed = Object.fromEntries(mapParameters(head.role).map((name): [string, Tensor] => [name, this.parameters[name]]));
    const out = zeroMaps(head.classes, height, width);
    for (let from = 0; from < size; from += BLOCK) {
      const count = Math.min(BLOCK, size - from);
      const block = new Float32Array(channels * BLOCK);
      for (let c = 0; c < channels; c++) block.set(features.data.subarray(c * size + from, c * size + from + count), c * BLOCK);
      const { data } = floats(await runner.run({ ...fixed, features: { dims: [1, channels, 1, BLOCK], data: block } }), 'maps');
      for (let k = 0; k < head.classes; k++) out.data.set(data.subarray(k * BLOCK, k * BLOCK + count), k * size + from);
    }
    return out;
  }

  /** The layers of a photo for `tagCam`, with the maps of `ids` only. A class that was never learnt has none. */
  async layers({ layers }: PhotoFeatures, ids: readonly number[]): Promise<ScoredLayer[]> {
    const rows = ids.map(id => this.classes.findIndex(known => known.id === id));
    const scored: ScoredLayer[] = [];
    for (const head of this.heads) {
      const scores: Maps[] = [];
      for (const view of layers.get(head.role) ?? []) scores.push(picked(await this.maps(head, view), rows));
      if (scores.length > 0) scored.push({ scores, has: rows.map(row => row >= 0) });
    }
    return scored;
  }

  /** K x h x w in [0, 1], one map each of `ids`. */
  async cam(features: PhotoFeatures, ids: readonly number[]): Promise<Maps> {
    return tagCam(await this.layers(features, ids));
  }

  async release(): Promise<void> {
    const open = await Promise.all(this.runners.values());
    this.runners.clear();
    await Promise.all(open.map(runner => runner.release()));
  }

  private runner(head: RoleHead): Promise<GraphRunner> {
    const open = this.runners.get(head.role) ?? this.host.open(puzzleMapsGraph(head, BLOCK));
    this.runners.set(head.role, open);
    return open;
  }
}

/** The heads of a section: of the layers that the backbone and the linear heads have. */
export function headsOf({ model, learnt, classes }: Pick<ScoringData, 'model' | 'learnt' | 'classes'>, { heads }: PuzzlePreset): RoleHead[] {
  if (!heads) return [];
  return heads.layers.flatMap(role => {
    const output = model.spec.outputs.find(one => one.role === role);
    return output && learnt.heads.some(head => head.role === role) ? [{ role, channels: output.channels, classes: classes.length, free: heads.units }] : [];
  });
}

/** Probabilities of a CAM: each map against the background score that decides over it. */
export function puzzleScorer(data: ScoringData, preset: Preset, section: PuzzlePreset, state: TrainingState): PhotoScorer {
  const cam = new PuzzleCam(data.host, headsOf(data, section), data.classes, state.tensors);
  return {
    scores: async ({ features, ids }) => againstThreshold(await cam.cam(features, ids), preset.cam.threshold),
    release: () => cam.release(),
  };
}

/** (1 + K) x h x w that sum to 1: background and map are equal where the map is `threshold`. */
export function againstThreshold(maps: Maps, threshold: number): Maps {
  const { channels, height, width } = maps;
  const size = height * width;
  const out = zeroMaps(channels + 1, height, width);
  for (let i = 0; i < size; i++) {
    let total = threshold;
    for (let k = 0; k < channels; k++) total += maps.data[k * size + i];
    out.data[i] = threshold / total;
    for (let k = 0; k < channels; k++) out.data[(k + 1) * size + i] = maps.data[k * size + i] / total;
  }
  return out;
}

/** Rows of a stack of maps; zeros where the row is -1. */
function picked(maps: Maps, rows: readonly number[]): Maps {
  const out = zeroMaps(rows.length, maps.height, maps.width);
  rows.forEach((row, k) => {
    if (row >= 0) plane(out, k).set(plane(maps, row));
  });
  return out;
}
