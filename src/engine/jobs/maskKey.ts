/**
 * Everything that a mask depends on besides its photo, as a hash: models, parameters, the ids of its tags, a person's hints. Heads are not in it: they change a little
 * with every photo, and masks of photos that did not change are kept.
 */
import type { Preset } from '../../../models/presets';
import type { ClassTable } from '../../dataset/classTable';
import { sha256 } from '../../dataset/hash';
import { usesCrf, type RunSettings } from '../../shared/settings';
import type { RunModels } from '../photoFeatures';
import type { MaskKey } from './maskWriter';

/** @param trained hash of what was learnt by training, where a trained network makes the masks */
export function maskKeys(models: RunModels, settings: RunSettings, preset: Preset, table: ClassTable, trained?: string): MaskKey {
  // Debiasing comes after the masks that these decide, and answers for itself; a training answers by what it learnt.
  const { name: _name, mars: _mars, training, ...numbers } = preset;
  const parameters = { pipeline: 1, backbone: models.backbone.sha256, saliency: models.saliency?.sha256 ?? null, crf: usesCrf(settings, trained !== undefined), preset: numbers, ...(trained !== undefined && { trained, masks: training?.masks }) };
  return (tags, hints) => sha256(JSON.stringify({ ...parameters, ids: [...tags].sort().map(tag => table.idOf(tag)), ...(hints && { hints }) }));
}
