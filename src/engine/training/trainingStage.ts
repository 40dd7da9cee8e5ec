/**
 * What the parts of a training have in common: a stage (`TrainingStage`) makes steps, the loop (`trainingLoop.ts`) drives it, keeps its state and tells how it goes;
 * what it learns from is `TrainingData`, what comes out is a `PhotoScorer`.
 */
import type { BackboneSpec } from '../../../models/catalog';
import type { LoadedModel } from '../../../models/loadModel';
import type { TrainingState } from '../../../models/trainer';
import type { GraphHost } from '../../shared/graph';
import type { CamLayer } from '../../pipeline/tagCam';
import type { LabelMap, Maps, RgbImage } from '../../shared/maps';
import type { Hints } from '../../shared/review';
import type { TrainingStageName } from '../../shared/training';
import type { Learnt } from '../learning';
import type { PhotoFeatures, Role } from '../photoFeatures';

/** A tagged photo that is learnt from. */
export interface TrainingPhoto {
  photo: string;
  /** Of its bytes. */
  sha256: string;
  /** Names and class ids (1..254) of its tags, in one order; none: a photo of background. */
  tags: readonly string[];
  ids: readonly number[];
  hints?: Hints;
}

/** What the frozen chain says of a photo, before anything is trained: the first labels. */
export interface Seed {
  /** K x h x w in [0, 1]: score of each of the photo's classes after PAMR and, where it is on, the saliency cue; h, w at the size PAMR works at or below. */
  scores: Maps;
  /** Of the same size: the mask of the chain (debiased where MARS runs), 0 background. */
  mask: LabelMap;
  /** Of the same size, where MARS runs: the class that debiasing took away, 0 elsewhere. */
  removed?: LabelMap;
}

/** Reads are from disk or computed: memory does not grow with the number of photos. All throw SeedMaskError with the reason why this photo has none. */
export interface TrainingData {
  photos: readonly TrainingPhoto[];
  /** All classes that some photo has, by id; channel i + 1 of a network is `classes[i]`, channel 0 the background. */
  classes: readonly { id: number; name: string }[];
  host: GraphHost;
  /** The backbone of the run, for trainings that it learns in. */
  model: LoadedModel<BackboneSpec>;
  /** Heads of the tags on frozen features, and how sure held-out heads are of each photo's tags. */
  learnt: Learnt;
  features(photo: TrainingPhoto): Promise<PhotoFeatures>;
  /**
   * Features of any picture (one that was mixed of two photos) through the frozen backbone, as those of a photo.
   * @param content what the picture is made of, as a sha256 in hex: its features are then kept in the cache under it; absent: computed and forgotten
   */
  extract(image: RgbImage, content?: string): Promise<PhotoFeatures>;
  /** Features of the photo's tiles, perSide x perSide, put together on the grids of the first view (`FeatureExtractor.tiles`). */
  tiles(photo: TrainingPhoto, perSide: number): Promise<ReadonlyMap<Role, Maps>>;
  /** EXIF-oriented, whole. */
  image(photo: TrainingPhoto): Promise<RgbImage>;
  seed(photo: TrainingPhoto): Promise<Seed>;
  /** The mask that a scorer gives the photo, as `generate` makes it but at PAMR's size and not debiased. */
  mask(photo: TrainingPhoto, scorer: PhotoScorer): Promise<LabelMap>;
  /**
   * Pixels that a person decided (a mask made, corrected or accepted in the review; points, scribbles, outside of boxes), on a grid of height x width over the
   * photo; 255 where nobody said anything. Nothing where the photo has none. They count as certain in every loss.
   */
  certain(photo: TrainingPhoto, height: number, width: number): Promise<LabelMap | undefined>;
  signal: AbortSignal;
  /** A line of the run's log. */
  log(message: string): void;
}

/** What a scorer may use besides the numbers that were learnt; no photo needs to be there. */
export type ScoringData = Pick<TrainingData, 'host' | 'model' | 'classes' | 'learnt' | 'extract' | 'signal'>;

/** What a trained network says of a photo. */
export interface PhotoScorer {
  /** (1 + ids.length) x h x w probabilities: background, then each of `ids`; they sum to 1 at each cell. */
  scores(photo: ScoredPhoto): Promise<Maps>;
  /** Activation maps of its own classifier, to join those of the heads; nothing where it has none. */
  layers?(photo: ScoredPhoto): Promise<readonly CamLayer[] | undefined>;
  release(): Promise<void>;
}

/** `sha256` of its bytes, where it has a file: what learnt without some of the photos judges those by that. */
export interface ScoredPhoto {
  image: RgbImage;
  features: PhotoFeatures;
  ids: readonly number[];
  sha256?: string;
}

/** What a trained stage puts into the frozen chain of a photo (`src/pipeline/photoMask.ts`). */
export interface ChainPart {
  /** Activation maps in the place of the linear heads', one map each of `ids`. */
  layers?(features: PhotoFeatures, ids: readonly number[]): Promise<readonly CamLayer[]>;
  /** Refined scores, K x h x w in [0, 1], carried along affinities. `picture`: the photo at the size PAMR works at. */
  propagate?(scores: Maps, picture: RgbImage, features: PhotoFeatures): Promise<Maps>;
  release(): Promise<void>;
}

/** Losses of one step by name; `total` is what was minimised. */
export type Losses = Readonly<Record<string, number>> & { readonly total: number };

/**
 * One part of a training. Chance comes from (seed, epoch, step) alone and what an epoch begins with from the state at its beginning, so that a training that is
 * resumed from any step goes on as if nothing had stopped.
 */
export interface TrainingStage {
  readonly name: TrainingStageName;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** All numbers that are learnt, and moments; never written to afterwards. Setting it goes back to where that state was. */
  state: TrainingState;
  /**
   * Before the steps of `epoch` (from 1): targets that come from what was learnt until now.
   * @param tell one more of so many photos has its own; called where that takes long
   */
  beginEpoch(epoch: number, tell?: (photos: number) => void): Promise<void>;
  /** @param step of the epoch, from 0. @throws SeedMaskError 'numeric', 'out-of-memory'; the state is then that before it. */
  step(epoch: number, step: number): Promise<Losses>;
  /** Learning rate of the last step. */
  readonly rate: number;
  /** Average precision by class name, for stages that tag. */
  tagging?(): Promise<Record<string, number>>;
  /** What it has learnt so far as a scorer of photos, for samples and masks. */
  scorer(): Promise<PhotoScorer>;
  release(): Promise<void>;
}

/** What the stage `name` learnt. @throws if it is not among `stages` */
export function stateOf(name: TrainingStageName, stages: readonly { name: TrainingStageName; state: TrainingState }[]): TrainingState {
  const stage = stages.find(other => other.name === name);
  if (!stage) throw new Error(`the stage '${name}' has learnt nothing`);
  return stage.state;
}
