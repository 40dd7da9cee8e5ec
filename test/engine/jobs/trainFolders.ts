/** Trainings of folders of coloured boxes, with a light decoder so small that one takes a second or two. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { QUICK, type Preset } from '../../../models/presets';
import { readJournal } from '../../../src/dataset/journal';
import { runPath } from '../../../src/dataset/runs';
import { train } from '../../../src/engine/jobs/train';
import type { EngineEvent, Params, RunSummary } from '../../../src/shared/protocol';
import { trainingLineSchema, type TrainingLine } from '../../../src/shared/training';
import { presetWith, SECTION } from '../training/decoderFolder';
import { tempFolder } from '../../unit/dataset/temp';
import { engine, request, type RunOptions } from './folders';

export const EPOCHS = 3;

/** The quick preset, and a light decoder on what the colours' backbone sees. */
export function tinyPreset(more: Partial<NonNullable<Preset['training']>> = {}): Preset {
  const { training } = presetWith({ ...SECTION, epochs: EPOCHS, inputs: { ...SECTION.inputs, layers: SECTION.inputs.layers.slice(0, 1) } });
  if (!training) throw new Error('no training');
  return { ...QUICK, name: 'tiny', training: { ...training, samples: 2, ...more } };
}

export async function presetFile(t: TestContext, preset: Preset): Promise<string> {
  const file = join(await tempFolder(t), 'preset.json');
  await writeFile(file, JSON.stringify(preset));
  return file;
}

/** One `train` in this process: CPU, no saliency and the colours unless the settings say otherwise. */
export async function runTraining(root: string, backbone: string | undefined, options: RunOptions): Promise<{ summary: RunSummary; events: EngineEvent[] }> {
  const events: EngineEvent[] = [];
  const { settings } = request(root, backbone, options);
  const params: Params<'train'> = { root, settings: { ...settings, preset: 'standard' }, ...(options.resume !== undefined && { resume: options.resume }) };
  const emit = (event: EngineEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  const summary = await train(params, { emit, signal: options.signal ?? new AbortController().signal }, options.engine ?? engine);
  return { summary, events };
}

export function curves(root: string, { id }: RunSummary): Promise<TrainingLine[]> {
  return readJournal(runPath(root, id, 'metrics.jsonl'), trainingLineSchema);
}
