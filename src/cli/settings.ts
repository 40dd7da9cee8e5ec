/**
 * The settings of a run on the command line: the same names as in VS Code, as flags. What is not given keeps its default.
 */
import { isAbsolute, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './io';
import { CRF_CHOICES, DEFAULT_SETTINGS, DEVICES, MARS_CHOICES, PRESETS, REMOVED_AS, type RunSettings } from '../shared/settings';

/** Flags that every command with settings takes. */
export const SETTINGS_FLAGS = {
  tags: { type: 'string' },
  preset: { type: 'string' },
  'preset-file': { type: 'string' },
  saliency: { type: 'string' },
  crf: { type: 'string' },
  mars: { type: 'string' },
  'mars-features': { type: 'string' },
  removed: { type: 'string' },
  device: { type: 'string' },
  'out-name': { type: 'string' },
  backbone: { type: 'string' },
  'cuda-dir': { type: 'string' },
  'max-megapixels': { type: 'string' },
  'cache-mb': { type: 'string' },
  'background-names': { type: 'string' },
  salvage: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

/** Their help. @param preset what the command takes unless one is named */
export const settingsHelp = (preset: RunSettings['preset']): string => `  --tags <file>              take the tags from this file instead of looking for them
  --preset <name>            ${PRESETS.join(' | ')} (default ${preset}): quick learns heads on a frozen backbone, standard
                             also trains a decoder on its features, full trains the backbone, too
  --preset-file <file>       a preset of your own, a JSON file in the form of those, in place of --preset
  --saliency on|off          weigh the maps by a salient-object model (default ${onOff(DEFAULT_SETTINGS.saliency)})
  --crf auto|on|off          dense CRF as the last step; auto: without saliency, and where a
                             trained network makes the masks (default ${DEFAULT_SETTINGS.crf})
  --mars auto|on|off         remove what always comes along with a class (MARS) as the last stage; auto: where some
                             class has 10 photos, and there are 2 classes or backgrounds (default ${DEFAULT_SETTINGS.mars})
  --mars-features <what>     features that MARS compares: backbone | stego (codes learnt on the folder) | an ONNX file
                             of unsupervised features (default ${DEFAULT_SETTINGS.marsFeatures})
  --removed background|ignore  what removed pixels become (default ${DEFAULT_SETTINGS.removedAs})
  --device <name>            ${DEVICES.join(' | ')} (default ${DEFAULT_SETTINGS.device})
  --out-name <pattern>       name of the mask beside its photo (default ${DEFAULT_SETTINGS.outputName})
  --backbone <id or file>    another backbone: an id of the catalog or an ONNX file
  --cuda-dir <folder>        folder with the libraries of ONNX Runtime's CUDA provider (Linux)
  --max-megapixels <n>       refuse photos of more pixels (default ${DEFAULT_SETTINGS.maxMegapixels})
  --cache-mb <n>             limit of the feature cache, 0 for none (default ${DEFAULT_SETTINGS.cacheLimitMb})
  --background-names <a,b>   folder names that mean "nothing tagged here, on purpose"
  --salvage                  take what can be decoded of damaged photos`;

type Values = { [Name in keyof typeof SETTINGS_FLAGS]?: (typeof SETTINGS_FLAGS)[Name]['type'] extends 'boolean' ? boolean : string };

/** `parseArgs`, with its complaints as usage errors. */
export function parse<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** The one folder a command is about. @throws UsageError */
export function folderOf(positionals: readonly string[]): string {
  const [folder, more] = positionals;
  if (folder === undefined) throw new UsageError('which folder?');
  if (more !== undefined) throw new UsageError(`one folder at a time; '${more}' is one too many`);
  return resolve(folder);
}

/** @throws UsageError where a value is not allowed. */
export function settingsOf(values: Values): RunSettings {
  const backgroundNames = values['background-names']?.split(',').map(name => name.trim()).filter(name => name !== '');
  return {
    ...DEFAULT_SETTINGS,
    ...(values.tags !== undefined && { tagsFile: resolve(values.tags) }),
    ...(values.preset !== undefined && { preset: oneOf('--preset', PRESETS, values.preset) }),
    ...(values['preset-file'] !== undefined && { presetFile: resolve(values['preset-file']) }),
    ...(values.saliency !== undefined && { saliency: isOn('--saliency', values.saliency) }),
    ...(values.crf !== undefined && { crf: oneOf('--crf', CRF_CHOICES, values.crf) }),
    ...(values.mars !== undefined && { mars: oneOf('--mars', MARS_CHOICES, values.mars) }),
    ...(values['mars-features'] !== undefined && { marsFeatures: model(values['mars-features']) }),
    ...(values.removed !== undefined && { removedAs: oneOf('--removed', REMOVED_AS, values.removed) }),
    ...(values.device !== undefined && { device: oneOf('--device', DEVICES, values.device) }),
    ...(values['out-name'] !== undefined && { outputName: values['out-name'] }),
    ...(values.backbone !== undefined && { backbone: model(values.backbone) }),
    ...(values['cuda-dir'] !== undefined && { cudaProviderDir: resolve(values['cuda-dir']) }),
    ...(values['max-megapixels'] !== undefined && { maxMegapixels: numberWithin('--max-megapixels', values['max-megapixels'], 0.000001, 4000) }),
    ...(values['cache-mb'] !== undefined && { cacheLimitMb: numberWithin('--cache-mb', values['cache-mb'], 0, Infinity) }),
    ...(backgroundNames && { backgroundNames }),
    ...(values.salvage !== undefined && { salvageDamaged: values.salvage }),
  };
}

function oneOf<const T extends string>(flag: string, allowed: readonly T[], value: string): T {
  const found = allowed.find(one => one === value);
  if (found === undefined) throw new UsageError(`${flag} is one of ${allowed.join(', ')}, not '${value}'`);
  return found;
}

function isOn(flag: string, value: string): boolean {
  return oneOf(flag, ['on', 'off'], value) === 'on';
}

function numberWithin(flag: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= least && value <= most)) throw new UsageError(`${flag} is a number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}, not '${text}'`);
  return value;
}

/** A name stays (an id of the catalog, `stego`); what looks like a file is made absolute (the engine works in another folder). */
function model(value: string): string {
  return value.endsWith('.onnx') && !isAbsolute(value) ? resolve(value) : value;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
