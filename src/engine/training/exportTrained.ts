/**
 * What a training learnt as one ONNX file to take home (`models/exportNetwork.ts`): the scores of the last stage that scores photos, on its backbone.
 */
import { exportNetwork, type ExportedNetwork } from '../../../models/exportNetwork';
import type { Preset } from '../../../models/presets';
import { plannedStages, type ExportData, type LearntStage } from './stages';

/**
 * @param about for people: what it was trained on
 * @returns nothing where the training only helps the frozen chain
 * @throws SeedMaskError 'unavailable' where the network sees what a file cannot have, 'bad-model'
 */
export async function exportTrained(preset: Preset, data: ExportData, stages: readonly LearntStage[], about: string): Promise<ExportedNetwork | undefined> {
  const exported = await plannedStages(preset).findLast(stage => stage.exported)?.exported?.(data, stages);
  if (!exported) return undefined;
  const { spec } = data.model;
  return exportNetwork({
    multiple: spec.input.multiple,
    classes: data.classes,
    longSide: exported.longSide,
    description: `${about}; backbone: ${spec.name}`,
    licence: `backbone: ${spec.licence}`,
    logits: exported.logits,
  });
}
