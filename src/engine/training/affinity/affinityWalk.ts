/**
 * What a photo's scores walk along, by a trained network of affinities (AffinityNet's features, IRNet's edges).
 */
import { affinityGraph } from '../../../../models/affinityHeads';
import type { TrainingState } from '../../../../models/trainer';
import type { AffinityPreset } from '../../../../models/trainingPreset';
import { edgeTransition, featureTransition, type Transition } from '../../../pipeline/propagation';
import { floats, type GraphRunner, type Tensor } from '../../../shared/graph';
import type { Maps, RgbImage } from '../../../shared/maps';
import type { PhotoFeatures } from '../../photoFeatures';
import type { ScoringData } from '../trainingStage';
import { affinityLayers, affinityShape, affinityView, COLOUR, coloursOn, learntNames, SCALES, type AffinityLayer } from './affinityInputs';

/** Grids whose graphs are kept open. */
const MAX_OPEN = 12;

export class AffinityWalk {
  private readonly layers: readonly AffinityLayer[];
  private readonly open = new Map<string, Promise<GraphRunner>>();

  /** @param tensors of a training's state */
  constructor(
    private readonly data: Pick<ScoringData, 'host' | 'model'>,
    private readonly section: AffinityPreset,
    private readonly tensors: TrainingState['tensors'],
  ) {
    this.layers = affinityLayers(data.model.spec, section);
  }

  /**
   * Nothing where the grid has no pair of pixels (a photo of a few cells).
   * @param photo of any size: colours are averaged over cells
   * @param radius of the walk's pairs, in cells
   */
  async transition(photo: RgbImage, features: PhotoFeatures, radius: number): Promise<Transition | undefined> {
    const out = await this.run(photo, features);
    if (this.section.kind === 'irnet') return edgeTransition(out, radius);
    return out.height < radius || out.width < 2 * radius - 1 ? undefined : featureTransition(out, radius);
  }

  /** Edges (1 x h x w) or features (D x h x w) on the grid of the walk. */
  async run(photo: RgbImage, features: PhotoFeatures): Promise<Maps> {
    const { rows, columns, maps } = affinityView(features, this.layers, this.tensors[SCALES].data);
    if (this.section.colour > 0) maps.set(COLOUR, coloursOn(photo, { rows, columns }, this.section));
    const shape = affinityShape(this.layers, this.section, rows, columns);
    const feeds: Record<string, Tensor> = Object.fromEntries(learntNames(this.layers, this.section).map(name => [name, this.tensors[name]]));
    for (const [name, { data, channels, height, width }] of maps) feeds[name] = { dims: [1, channels, height, width], data };
    const { data, dims } = floats(await (await this.runner(`${rows} ${columns}`, () => affinityGraph(shape))).run(feeds), 'out');
    return { data, channels: dims[1], height: dims[2], width: dims[3] };
  }

  async release(): Promise<void> {
    const runners = await Promise.all(this.open.values());
    this.open.clear();
    await Promise.all(runners.map(runner => runner.release()));
  }

  private async runner(key: string, graph: () => Uint8Array): Promise<GraphRunner> {
    const runner = this.open.get(key) ?? this.data.host.open(graph());
    // Last used comes last.
    this.open.delete(key);
    this.open.set(key, runner);
    for (const [oldest, other] of this.open) {
      if (this.open.size <= MAX_OPEN) break;
      this.open.delete(oldest);
      await (await other).release();
    }
    return runner;
  }
}
