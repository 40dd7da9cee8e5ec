/**
 * What the presets are, for people who choose one. Times are rough and say so: they grow with the photos, and the device decides.
 */
import type { Plan } from '../../shared/protocol';
import { plural } from '../../shared/runTexts';
import type { PRESETS } from '../../shared/settings';

export type PresetName = (typeof PRESETS)[number];
/** Presets that train networks. */
export type TrainedPreset = Exclude<PresetName, 'quick'>;

export const PRESET_TEXTS: Record<PresetName, { label: string; what: string }> = {
  quick: { label: 'Quick', what: 'linear heads on frozen features; minutes on a laptop' },
  standard: { label: 'Standard', what: 'a light decoder on frozen features' },
  full: { label: 'Full', what: 'the backbone learns too; needs a GPU' },
};

/** Of a training by `standard`, features and first labels included; measured on two cores. */
const SECONDS_A_PHOTO = 4;

/** How long a training takes, roughly. */
export function timeText(preset: TrainedPreset, photos: number): string {
  if (preset === 'full') return 'On a GPU tens of minutes to hours; on a CPU days.';
  const minutes = Math.round((photos * SECONDS_A_PHOTO) / 60);
  if (minutes <= 5) return 'Some minutes on a CPU.';
  return `About ${minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`} on a CPU of two cores; less on more, or on a GPU.`;
}

/** What will teach besides the tags. */
export function teachersText({ edited }: Pick<Plan, 'edited'>): string {
  return edited === 0 ? 'No mask was corrected or accepted yet: the tags teach alone' : `${plural(edited, 'mask')} that you corrected or accepted ${edited === 1 ? 'teaches' : 'teach'} too`;
}
