/**
 * *Generate Masks With Options…*: one list that shows what a run would work on (classes with photo counts, photos without tags, notes) and
 * lets its options be changed before it starts. What is chosen holds for this run; the settings stay as they are.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Plan } from '../shared/protocol';
import { plural } from '../shared/runTexts';
import { DEVICES, PRESETS, usesCrf, usesMars, type RunSettings } from '../shared/settings';
import { startText } from './progressText';
import { PRESET_TEXTS } from './training/presetTexts';

type Choice = 'start' | 'preset' | 'saliency' | 'crf' | 'mars' | 'device' | 'tagsFile';
/** A row; one with a choice does something. */
export type OptionItem<C extends string> = vscode.QuickPickItem & { choice?: C };

/** Untagged photos and notes are listed up to this many; the rest is counted. */
const LISTED = 50;

/**
 * @param readPlan asks the engine what a run with these settings would do
 * @returns the settings to run with, or undefined when the person turned away.
 */
export async function chooseOptions(root: string, start: RunSettings, readPlan: (settings: RunSettings) => Thenable<Plan>): Promise<RunSettings | undefined> {
  let settings = start;
  let plan = await readPlan(settings);
  for (;;) {
    switch (await pick(`SeedMask: ${basename(root)}`, `Tags from ${plan.tagSource}. Choose Start, or an option to change it.`, planItems(plan, settings))) {
      case undefined:
        return undefined;
      case 'start':
        return settings;
      case 'preset':
        settings = await pickPreset(settings);
        plan = await readPlan(settings);
        break;
      case 'saliency':
        settings = { ...settings, saliency: !settings.saliency };
        break;
      case 'crf':
        settings = { ...settings, crf: usesCrf(settings, plan.trains) ? 'off' : 'on' };
        break;
      case 'mars':
        settings = { ...settings, mars: debiases(plan, settings) ? 'off' : 'on' };
        break;
      case 'device':
        settings = { ...settings, device: (await pickDevice(settings)) ?? settings.device };
        break;
      case 'tagsFile':
        settings = await pickTagsFile(root, settings);
        plan = await readPlan(settings);
    }
  }
}

/** The list's rows, for a plan and settings. */
export function planItems(plan: Plan, settings: RunSettings): OptionItem<Choice>[] {
  return [
    { label: '$(play) Start', description: startText(plan), choice: 'start' },
    heading('Options'),
    { label: '$(layers) Preset…', description: presetText(plan, settings), choice: 'preset' },
    { label: `${check(settings.saliency)} Saliency`, description: settings.saliency ? 'on: tags + saliency' : 'off: tags alone', choice: 'saliency' },
    { label: `${check(usesCrf(settings, plan.trains))} Dense CRF`, description: crfText(plan, settings), choice: 'crf' },
    { label: `${check(debiases(plan, settings))} Debias (MARS)`, description: marsText(plan, settings), choice: 'mars' },
    { label: '$(chip) Device…', description: settings.device, choice: 'device' },
    { label: '$(tag) Tags File…', description: settings.tagsFile ?? `found: ${plan.tagSource}`, choice: 'tagsFile' },
    heading(`Classes (${plan.classes.length})`),
    ...classItems(plan),
    heading(`Photos (${plan.photos + plan.untagged.length})`),
    ...countItems(plan.done, 'pass', 'masked already (redone if photo, tags or options changed)'),
    ...countItems(plan.edited, 'edit', 'with an edited mask, which is kept'),
    ...countItems(plan.empty, 'circle-outline', 'tagged with nothing: background only'),
    ...countItems(plan.untagged.length, 'question', 'without tags, which are skipped'),
    ...limited(plan.untagged).map(photo => ({ label: `      ${photo}` })),
    ...noteItems(plan),
  ];
}

/** A row a class. */
export function classItems({ classes }: Plan): vscode.QuickPickItem[] {
  return classes.map(c => ({ label: `${c.problem ? '$(warning)' : '$(symbol-class)'} ${c.name}`, description: `id ${c.id} · ${plural(c.photos, 'photo')}${c.problem ? ` · ${c.problem}` : ''}` }));
}

/** '3 photos …', no row for none. */
export function countItems(count: number, icon: string, text: string): vscode.QuickPickItem[] {
  return count ? [{ label: `$(${icon}) ${plural(count, 'photo')} ${text}` }] : [];
}

export function noteItems({ notes }: Plan): vscode.QuickPickItem[] {
  return notes.length ? [heading('Notes'), ...limited(notes).map(note => ({ label: `$(info) ${note}` }))] : [];
}

/** The preset's row, for people. */
function presetText({ trains }: Plan, { preset, presetFile }: RunSettings): string {
  return `${presetFile ?? `${preset}: ${PRESET_TEXTS[preset].what}`}${trains ? '; trained first where nothing trained fits' : ''}`;
}

/** The dense CRF's row, for people. */
function crfText({ trains }: Plan, settings: RunSettings): string {
  const state = usesCrf(settings, trains) ? 'on: outlines follow colours' : 'off';
  return settings.crf === 'auto' ? `${state} (automatic: on without saliency, and for networks)` : state;
}

function debiases(plan: Plan, settings: RunSettings): boolean {
  return usesMars(settings, plan.classes.map(({ photos }) => photos), plan.empty);
}

/** The row of MARS, for people. */
function marsText(plan: Plan, settings: RunSettings): string {
  const state = debiases(plan, settings) ? 'on: what always comes along with a class is removed' : 'off';
  return settings.mars === 'auto' ? `${state} (automatic: on from 10 photos of a class, with 2 classes or backgrounds)` : state;
}

/** Shows a list until an item that does something is accepted. @returns undefined when the person turned away. */
export function pick<C extends string>(title: string, placeholder: string, items: readonly OptionItem<C>[]): Promise<C | undefined> {
  const list = vscode.window.createQuickPick<OptionItem<C>>();
  Object.assign(list, { title, placeholder, matchOnDescription: true, ignoreFocusOut: true, items });
  return new Promise<C | undefined>(resolve => {
    list.onDidAccept(() => {
      const choice = list.selectedItems[0]?.choice;
      if (choice) {
        resolve(choice);
        list.hide();
      }
    });
    list.onDidHide(() => {
      resolve(undefined);
      list.dispose();
    });
    list.show();
  });
}

/** @returns undefined when the person turned away. */
export async function pickDevice(settings: RunSettings): Promise<RunSettings['device'] | undefined> {
  const items = DEVICES.map(device => ({ label: device, description: device === settings.device ? 'current' : undefined, device }));
  return (await vscode.window.showQuickPick(items, { title: 'SeedMask: device of this run' }))?.device;
}

/** A preset by its name takes the place of a preset file. */
async function pickPreset(settings: RunSettings): Promise<RunSettings> {
  const { presetFile, ...plain } = settings;
  const items = PRESETS.map(preset => ({ label: PRESET_TEXTS[preset].label, description: PRESET_TEXTS[preset].what, detail: preset === settings.preset && presetFile === undefined ? 'current' : undefined, preset }));
  const picked = await vscode.window.showQuickPick(items, { title: 'SeedMask: preset of this run' });
  return picked ? { ...plain, preset: picked.preset } : settings;
}

async function pickTagsFile(root: string, settings: RunSettings): Promise<RunSettings> {
  const { tagsFile: _, ...without } = settings;
  const found = '$(search) Use what lies in the folder';
  const file = '$(file) Choose a file…';
  const choice = await vscode.window.showQuickPick([found, file], { title: 'SeedMask: tags', placeHolder: 'JSON, CSV, TSV or COCO' });
  if (choice === found) return without;
  if (choice !== file) return settings;
  const picked = await vscode.window.showOpenDialog({ title: 'Tags file', openLabel: 'Use', defaultUri: vscode.Uri.file(root), filters: { Tags: ['json', 'csv', 'tsv'] } });
  return picked?.[0] ? { ...settings, tagsFile: picked[0].fsPath } : settings;
}

export function heading(label: string): vscode.QuickPickItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

export function check(on: boolean): string {
  return on ? '$(check)' : '$(circle-large-outline)';
}

function limited(lines: readonly string[]): string[] {
  return lines.length <= LISTED ? [...lines] : [...lines.slice(0, LISTED), `and ${lines.length - LISTED} more`];
}
