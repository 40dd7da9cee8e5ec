/**
 * The kinds of stages that a training is made of, by the name of their section in a preset: how each is opened on the data of a folder, and how a scorer of photos is
 * made of what it learnt once the training is over.
 */
import type { ExportOptions } from '../../../models/exportNetwork';
import type { Preset } from '../../../models/presets';
import type { TrainingState } from '../../../models/trainer';
import type { TrainingPreset } from '../../../models/trainingPreset';
import { TRAINING_STAGES, type TrainingStageName } from '../../shared/training';
import { affinityKind } from './affinity/affinityKind';
import { decoderKind } from './decoder/decoderStage';
import { networkKind } from './network/networkStage';
import { segmentationKind } from './network/segmentationStage';
import { puzzleKind } from './puzzleKind';
import type { ChainPart, PhotoScorer, ScoringData, TrainingData, TrainingStage } from './trainingStage';

/** What a stage that has come to its end learnt. */
export interface LearntStage {
  name: TrainingStageName;
  state: TrainingState;
}

/** A stage before another one. */
export interface EarlierStage extends LearntStage {
  /** Absent where what it learnt scores no photos. */
  scorer?(data: ScoringData): Promise<PhotoScorer>;
}

/** The scores of a stage as part of a file to take home. */
export interface ExportedScores {
  logits: ExportOptions['logits'];
  /** Longer side of photos that it was trained at. */
  longSide: number;
}

/** Names of stages that presets have a section for. */
type SectionName = TrainingStageName & keyof TrainingPreset;

export interface StageKind<Section> {
  /** At its start. `previous`: the stages before it, in order. @throws SeedMaskError 'nothing-to-learn', 'bad-settings', 'bad-model', 'out-of-memory' */
  open(data: TrainingData, preset: Preset, section: Section, previous: readonly EarlierStage[]): Promise<TrainingStage>;
  /** The scorer of what it learnt (`stages` has its own state, too). Absent where what it learns only helps other stages. */
  scorer?(data: ScoringData, preset: Preset, section: Section, stages: readonly LearntStage[]): Promise<PhotoScorer>;
  /** What it learnt as a part of the frozen chain, for first labels of later stages and for masks, which its scorer then does not make; nothing where this section's has none. */
  chain?(data: ScoringData, preset: Preset, section: Section, stages: readonly LearntStage[]): Promise<ChainPart | undefined>;
  /** Its scores to take home. @throws SeedMaskError 'unavailable' where it sees what a file cannot have, 'bad-model' */
  exported?(data: ExportData, preset: Preset, section: Section, stages: readonly LearntStage[]): Promise<ExportedScores>;
}

/** What an export may look at. */
export type ExportData = Pick<ScoringData, 'model' | 'classes'>;

/** One line a kind. */
const KINDS: { readonly [Name in SectionName]?: StageKind<NonNullable<TrainingPreset[Name]>> } = {
  puzzle: puzzleKind,
  affinity: affinityKind,
  decoder: decoderKind,
  network: networkKind,
  segmentation: segmentationKind,
};

/** A stage of a preset, with its section. */
export interface PlannedStage {
  name: TrainingStageName;
  open(data: TrainingData, previous: readonly LearntStage[]): Promise<TrainingStage>;
  scorer?(data: ScoringData, stages: readonly LearntStage[]): Promise<PhotoScorer>;
  chain?(data: ScoringData, stages: readonly LearntStage[]): Promise<ChainPart | undefined>;
  exported?(data: ExportData, stages: readonly LearntStage[]): Promise<ExportedScores>;
}

/** The stages that a preset asks for, in the order they run in; none where it trains nothing. */
export function plannedStages(preset: Preset, kinds: typeof KINDS = KINDS): PlannedStage[] {
  const { training } = preset;
  if (!training) return [];
  const earlier: Earlier = previous => previous.map((stage, i) => {
    const scorer = stages.find(({ name }) => name === stage.name)?.scorer;
    return { ...stage, ...(scorer && { scorer: (data: ScoringData) => scorer(data, previous.slice(0, i + 1)) }) };
  });
  const stages: PlannedStage[] = TRAINING_STAGES.filter((name): name is SectionName => name in training).flatMap(name => planned(name, preset, training, kinds, earlier) ?? []);
  return stages;
}

type Earlier = (previous: readonly LearntStage[]) => EarlierStage[];

function planned<Name extends SectionName>(name: Name, preset: Preset, training: TrainingPreset, kinds: typeof KINDS, earlier: Earlier): PlannedStage | undefined {
  const section = training[name];
  if (section === null) return undefined;
  const kind = kinds[name] as StageKind<NonNullable<TrainingPreset[Name]>> | undefined;
  if (!kind) throw new Error(`no stage '${name}'`);
  const scorer = kind.scorer?.bind(kind);
  const chain = kind.chain?.bind(kind);
  const exported = kind.exported?.bind(kind);
  return {
    name,
    open: (data, previous) => kind.open(data, preset, section, earlier(previous)),
    ...(scorer && { scorer: (data: ScoringData, stages: readonly LearntStage[]) => scorer(data, preset, section, stages) }),
    ...(chain && { chain: (data: ScoringData, stages: readonly LearntStage[]) => chain(data, preset, section, stages) }),
    ...(exported && { exported: (data: ExportData, stages: readonly LearntStage[]) => exported(data, preset, section, stages) }),
  };
}
