/**
 * *Train on Folder…*: one list that says what each preset takes and what was found in the folder; choosing a preset starts. What is changed in the list holds for this
 * training, the settings stay as they are.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Plan } from '../../shared/protocol';
import { plural } from '../../shared/runTexts';
import type { RunSettings } from '../../shared/settings';
import { check, classItems, countItems, heading, noteItems, pick, pickDevice, type OptionItem } from '../options';
import { PRESET_TEXTS, teachersText, timeText, type TrainedPreset } from './presetTexts';

type Choice = TrainedPreset | 'file' | 'otherFile' | 'saliency' | 'device';

/**
 * @param plan what the engine found in the folder
 * @returns the settings to train with, or undefined when the person turned away.
 */
export async function chooseTraining(root: string, start: RunSettings, plan: Plan): Promise<RunSettings | undefined> {
  let settings = start;
  for (;;) {
    const choice = await pick(`SeedMask: train on ${basename(root)}`, `Tags from ${plan.tagSource}. Choose a preset to start.`, trainingItems(plan, settings));
    const { presetFile, ...plain } = settings;
    switch (choice) {
      case undefined:
        return undefined;
      case 'standard':
      case 'full':
        return { ...plain, preset: choice };
      case 'file':
        return withFile(settings, presetFile);
      case 'otherFile': {
        const file = await pickPresetFile(root);
        if (file !== undefined) return withFile(settings, file);
        break;
      }
      case 'saliency':
        settings = { ...settings, saliency: !settings.saliency };
        break;
      case 'device':
        settings = { ...settings, device: (await pickDevice(settings)) ?? settings.device };
    }
  }
}

/** The list's rows. */
export function trainingItems(plan: Plan, settings: RunSettings): OptionItem<Choice>[] {
  const { presetFile } = settings;
  const preset = (name: TrainedPreset, icon: string): OptionItem<Choice> => {
    const { label, what } = PRESET_TEXTS[name];
    return { label: `$(${icon}) ${label}`, description: what, detail: timeText(name, plan.photos), choice: name };
  };
  return [
    preset('standard', 'play'),
    preset('full', 'rocket'),
    ...(presetFile === undefined ? [] : [{ label: `$(json) ${basename(presetFile)}`, description: 'the preset that seedmask.presetFile names', choice: 'file' as const }]),
    { label: '$(json) Preset File…', description: 'numbers of your own, in the form of the presets that come along', choice: 'otherFile' },
    heading('Options'),
    { label: `${check(settings.saliency)} Saliency`, description: settings.saliency ? 'on: learns from tags + saliency' : 'off: learns from tags alone', choice: 'saliency' },
    { label: '$(chip) Device…', description: settings.device, choice: 'device' },
    heading('What teaches'),
    { label: `$(tag) ${plural(plan.photos, 'tagged photo')}`, description: plural(plan.classes.length, 'class') },
    { label: `$(edit) ${teachersText(plan)}` },
    ...countItems(plan.empty, 'circle-outline', 'tagged with nothing: background only'),
    ...countItems(plan.untagged.length, 'question', 'without tags, which teach nothing'),
    heading(`Classes (${plan.classes.length})`),
    ...classItems(plan),
    ...noteItems(plan),
  ];
}

async function pickPresetFile(root: string): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({ title: 'Preset', openLabel: 'Train', defaultUri: vscode.Uri.file(root), filters: { Preset: ['json'] } });
  return picked?.[0]?.fsPath;
}

/** The numbers are the file's; the name of a preset that trains stands with them. */
function withFile(settings: RunSettings, presetFile: string | undefined): RunSettings {
  return { ...settings, preset: settings.preset === 'quick' ? 'standard' : settings.preset, ...(presetFile !== undefined && { presetFile }) };
}
