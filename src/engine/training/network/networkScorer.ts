/**
 * What a network that learnt on images says of any photo: it looks at it at several scales, each also mirrored, and the mean of what it sees counts.
 *
 *     probabilities   per view: softmax over the background and the photo's tags, brought (bilinear) to the first view's grid; their mean          (RS+EPM, its released code)
 *     CAM             sum over views of relu A, divided by each class's maximum; p_k = cam_k / (t + sum cam), background t / (t + sum cam)          (Puzzle-CAM)
 *
 * RS+EPM enlarges by the nearest cell; bilinear is smoother and costs nothing. A graph is open for each size; the last few sizes stay open, and all share the weights.
 */
import type { Prediction } from '../../../../models/networkPreset';
import type { TrainingState } from '../../../../models/trainer';
import { CAM_NORMALISATIONS, flipHorizontally, sumViews } from '../../../pipeline/cam';
import { resizeBilinear } from '../../../pipeline/resize';
import type { Tensor } from '../../../shared/graph';
import { plane, type Maps, type RgbImage } from '../../../shared/maps';
import { resizePhoto } from '../../images';
import { againstThreshold } from '../puzzle/puzzleCam';
import type { PhotoScorer, ScoringData } from '../trainingStage';
import { Channels } from './imageStage';
import { NetworkModel, weightsOf, type NetworkParts, type NetworkViewer } from './networkModel';
import { pick, softmax } from './targets';

/** Open graphs. */
const MOST_OPEN = 8;
/** Cells along the shorter side that every network takes. */
const LEAST_CELLS = 4;

/** How maps become probabilities; a CAM needs the score of the background. */
export type Reading = { from: 'logits' } | { from: 'cams'; threshold: number };

/** @throws SeedMaskError 'bad-model' if the state is of another network */
export async function networkScorer(data: ScoringData, parts: NetworkParts, prediction: Prediction, reading: Reading, state: TrainingState): Promise<PhotoScorer> {
  const model = await NetworkModel.open(data, parts);
  return new NetworkScorer(data, model, prediction, reading, weightsOf(state, await model.parameters(), true));
}

class NetworkScorer implements PhotoScorer {
  private readonly viewers = new Map<string, NetworkViewer>();
  private readonly channels: Channels;

  constructor(
    private readonly data: ScoringData,
    private readonly model: NetworkModel,
    private readonly prediction: Prediction,
    private readonly reading: Reading,
    private readonly weights: Readonly<Record<string, Tensor>>,
  ) {
    this.channels = new Channels(data.classes);
  }

  async scores({ image, ids }: { image: RgbImage; ids: readonly number[] }): Promise<Maps> {
    const { reading } = this;
    const views: Maps[] = [];
    for (const scale of this.prediction.scales) {
      this.data.signal.throwIfAborted();
      for (const map of await this.look(image, scale)) {
        const [first] = views;
        const read = reading.from === 'logits' ? softmax(this.tagged(map, ids, -Infinity)) : this.tagged(map, ids, 0);
        views.push(first ? resizeBilinear(read, first.height, first.width) : read);
      }
    }
    if (reading.from === 'cams') return againstThreshold(CAM_NORMALISATIONS.cam(views), reading.threshold);
    const sum = sumViews(views);
    return { ...sum, data: sum.data.map(value => value / views.length) };
  }

  async release(): Promise<void> {
    const viewers = [...this.viewers.values()];
    this.viewers.clear();
    for (const viewer of viewers) await viewer.release();
  }

  /** One map, or two where the photo is also mirrored (turned back). */
  private async look(image: RgbImage, scale: number): Promise<Maps[]> {
    const { multiple } = this.model;
    const { from } = this.reading;
    const factor = (this.prediction.longSide * scale) / Math.max(image.width, image.height);
    const fit = (side: number): number => Math.max(LEAST_CELLS, Math.round((side * factor) / multiple)) * multiple;
    const photo = await resizePhoto(image, fit(image.width), fit(image.height));
    const viewer = await this.viewer(photo.height, photo.width);
    const views = await viewer.look(this.prediction.flip ? [photo, mirrored(photo)] : [photo], this.weights);
    return views.map((view, i) => {
      const map = view[from];
      if (!map) throw new Error(`the network gives no ${from}`);
      return i === 0 ? map : flipHorizontally(map);
    });
  }

  /** The background (of CAMs: none) and the photo's classes; `missing` for a class that the network does not know. */
  private tagged(map: Maps, ids: readonly number[], missing: number): Maps {
    const background = this.reading.from === 'logits' ? [0] : [];
    const own = ids.map(id => this.channels.of({ ids: [id] })[0]);
    const known = pick(map, [...background, ...own.map(channel => (channel === undefined ? 0 : this.reading.from === 'logits' ? channel : channel - 1))]);
    own.forEach((channel, k) => channel === undefined && plane(known, background.length + k).fill(missing));
    return known;
  }

  private async viewer(height: number, width: number): Promise<NetworkViewer> {
    const key = `${height} ${width}`;
    const viewer = this.viewers.get(key) ?? this.model.viewer(this.data.host, height, width, [this.reading.from], true);
    // Last used comes last.
    this.viewers.delete(key);
    this.viewers.set(key, viewer);
    for (const [oldest, other] of this.viewers) {
      if (this.viewers.size <= MOST_OPEN) break;
      this.viewers.delete(oldest);
      await other.release();
    }
    return viewer;
  }
}

function mirrored({ data, width, height }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + width - 1 - x) * 3;
      out.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { data: out, width, height };
}
