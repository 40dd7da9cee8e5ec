/**
 * The `seedmask.*` settings as the engine wants them. One table says which setting is which field of `RunSettings`; the manifest's
 * defaults equal `DEFAULT_SETTINGS` (asserted by a test), an empty text means "not set".
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { WorkspaceConfiguration } from 'vscode';
import { SeedMaskError } from '../shared/errors';
import { runSettingsSchema, type RunSettings } from '../shared/settings';

/** Field of `RunSettings` -> name below `seedmask.`. */
export const SETTING_NAMES = {
  preset: 'preset',
  presetFile: 'presetFile',
  device: 'device',
  saliency: 'saliency',
  crf: 'crf',
  mars: 'mars',
  marsFeatures: 'marsFeatures',
  removedAs: 'removedPixels',
  outputName: 'output.name',
  tagsFile: 'tags.file',
  backgroundNames: 'tags.backgroundNames',
  backbone: 'backbone',
  cudaProviderDir: 'cuda.providerDir',
  maxMegapixels: 'limits.megapixels',
  salvageDamaged: 'salvageDamaged',
  cacheLimitMb: 'cache.limitMb',
} as const satisfies Partial<Record<keyof RunSettings, string>>;

/**
 * Settings that hold for a folder.
 * @param configuration `workspace.getConfiguration('seedmask', folder)`
 * @param base the workspace folder, from which relative paths are taken
 * @throws SeedMaskError 'bad-settings' that names the setting.
 */
export function readSettings(configuration: Pick<WorkspaceConfiguration, 'get'>, base: string): RunSettings {
  const values: Record<string, unknown> = {};
  for (const [field, name] of Object.entries(SETTING_NAMES)) {
    const value = configuration.get<unknown>(name);
    if (value !== '' && value !== null && value !== undefined) values[field] = value;
  }
  const parsed = v.safeParse(runSettingsSchema, values);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const field = v.getDotPath(issue)?.split('.')[0] ?? '';
    const name = Object.hasOwn(SETTING_NAMES, field) ? SETTING_NAMES[field as keyof typeof SETTING_NAMES] : field;
    throw new SeedMaskError('bad-settings', `the setting seedmask.${name} is not usable: ${issue.message}`);
  }
  const { tagsFile, cudaProviderDir, backbone, marsFeatures, presetFile, ...settings } = parsed.output;
  return {
    ...settings,
    marsFeatures: isPath(marsFeatures) ? absolute(marsFeatures, base) : marsFeatures,
    ...(presetFile && { presetFile: absolute(presetFile, base) }),
    ...(tagsFile && { tagsFile: absolute(tagsFile, base) }),
    ...(cudaProviderDir && { cudaProviderDir: absolute(cudaProviderDir, base) }),
    ...(backbone && { backbone: isPath(backbone) ? absolute(backbone, base) : backbone }),
  };
}

/** A model is meant by its name (an id of the catalog, `stego`) unless it looks like a file. */
function isPath(model: string): boolean {
  return /[\\/]|\.onnx$/i.test(model);
}

function absolute(path: string, base: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(base, path);
}
