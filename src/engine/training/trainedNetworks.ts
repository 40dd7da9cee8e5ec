/**
 * From a training that has ended to masks: what it learnt in one file, whether it fits a run, and the scorer that a run makes of it.
 */
import type { Preset } from '../../../models/presets';
import type { TrainingState } from '../../../models/trainer';
import { sha256 } from '../../dataset/hash';
import { readParameters, readTrained, writeTrained, type TrainedRecord } from '../../dataset/trained';
import { SeedMaskError } from '../../shared/errors';
import type { RunModels } from '../photoFeatures';
import { decodeState, encodeState } from './checkpoint';
import { plannedStages, type LearntStage, type PlannedStage } from './stages';
import type { ChainPart, PhotoScorer, ScoringData, TrainingData } from './trainingStage';

/** Hash of all that decides whether a run may use a training: classes, models, and what the preset says of features and of learning. */
export function trainingKey(preset: Preset, classes: TrainingData['classes'], { backbone, saliency }: RunModels): string {
  const { views, learning, propagation } = preset;
  // How masks are made of what was learnt, and how a training is kept and shown, decide nothing of it.
  const { masks: _masks, samples: _samples, checkpointEvery: _every, ...training } = preset.training ?? {};
  const named = classes.map(({ id, name }) => [id, name]);
  return sha256(JSON.stringify({ version: 1, classes: named, backbone: backbone.sha256, saliency: saliency?.sha256 ?? null, views, learning, propagation, training }));
}

/** The training of a folder that fits, whole on disk; nothing if there is none. */
export async function fittingTraining(root: string, key: string): Promise<TrainedRecord | undefined> {
  const record = await readTrained(root);
  return record?.key === key && (await readParameters(root, record)) ? record : undefined;
}

/** Hash of what stages learnt. */
export function hashOf(stages: readonly LearntStage[]): string {
  return sha256(stages.map(({ name, state }) => `${name} ${sha256(encodeState(withoutMoments(state)))}`).join('\n'));
}

/** Takes the place of what was trained before. @throws SeedMaskError as atomicWrite does */
export function saveTrained(root: string, facts: Omit<TrainedRecord, 'version' | 'parameters' | 'model' | 'stages'>, stages: readonly LearntStage[]): Promise<TrainedRecord> {
  const tensors = Object.fromEntries(stages.flatMap(({ name, state }) => Object.entries(withoutMoments(state).tensors).map(([tensor, values]) => [`${name}/${tensor}`, values])));
  const parameters = encodeState({ steps: stages.reduce((sum, { state: { steps } }) => sum + steps, 0), tensors });
  return writeTrained(root, { ...facts, stages: stages.map(({ name, state: { steps } }) => ({ name, steps })) }, parameters);
}

/** What was learnt, stage by stage. @throws SeedMaskError 'removed' where it is not there any more */
export async function loadTrained(root: string, record: TrainedRecord): Promise<LearntStage[]> {
  const bytes = await readParameters(root, record);
  const found = bytes && decodeState(bytes);
  if (!found) throw new SeedMaskError('removed', 'what was trained is not there any more or damaged', record.parameters.file);
  const tensors = Object.entries(found.state.tensors);
  return record.stages.map(({ name, steps }) => {
    const own = tensors.flatMap(([tensor, values]) => (tensor.startsWith(`${name}/`) ? [[tensor.slice(name.length + 1), values] as const] : []));
    return { name, state: { steps, tensors: Object.fromEntries(own) } };
  });
}

/** What makes masks of what was learnt. */
export interface TrainedNetworks {
  /** Parts of the frozen chain. */
  chain: readonly ChainPart[];
  /** Of the last stage that scores photos by itself; absent where the frozen chain makes the masks. */
  scorer?: PhotoScorer;
  release(): Promise<void>;
}

/** @throws SeedMaskError 'bad-model', 'out-of-memory' */
export async function openTrained(preset: Preset, data: ScoringData, stages: readonly LearntStage[]): Promise<TrainedNetworks> {
  const chain: ChainPart[] = [];
  let last: PlannedStage | undefined;
  let scorer: PhotoScorer | undefined;
  const release = async (): Promise<void> => {
    await Promise.allSettled([scorer?.release(), ...chain.map(part => part.release())]);
  };
  try {
    for (const planned of plannedStages(preset)) {
      const part = await planned.chain?.(data, stages);
      if (part) chain.push(part);
      else if (planned.scorer) last = planned;
    }
    scorer = await last?.scorer?.(data, stages);
  } catch (error) {
    await release();
    throw error;
  }
  return { chain, ...(scorer && { scorer }), release };
}

/** A state without what only further training needs. */
function withoutMoments({ steps, tensors }: TrainingState): TrainingState {
  const isMoment = (name: string): boolean => /\.[mv]$/.test(name) && name.slice(0, -2) in tensors;
  return { steps, tensors: Object.fromEntries(Object.entries(tensors).filter(([name]) => !isMoment(name))) };
}
