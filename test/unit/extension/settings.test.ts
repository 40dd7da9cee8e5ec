/**
 * Settings: the manifest says the same as the code, and what a person types arrives as the engine wants it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { readSettings, SETTING_NAMES } from '../../../src/extension/settings';
import { PHOTO_NAME } from '../../../src/extension/photoNames';
import { SeedMaskError } from '../../../src/shared/errors';
import { DEFAULT_SETTINGS, DEVICES } from '../../../src/shared/settings';

interface Property {
  default: unknown;
  scope: string;
  markdownDescription: string;
  enum?: string[];
}
const manifest = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../package.json'), 'utf8')) as {
  contributes: { configuration: { properties: Record<string, Property> }; menus: Record<string, { when?: string }[]> };
};
const texts = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../package.nls.json'), 'utf8')) as Record<string, string>;
const { properties } = manifest.contributes.configuration;

test('the manifest has exactly the settings that are read, each with a scope and a description', () => {
  assert.deepEqual(Object.keys(properties).sort(), Object.values(SETTING_NAMES).map(name => `seedmask.${name}`).sort());
  for (const [name, { scope, markdownDescription }] of Object.entries(properties)) {
    assert.match(scope, /^(resource|machine-overridable)$/, name);
    assert.ok(texts[markdownDescription.replaceAll('%', '')], `${name} has no description`);
  }
});

test("the manifest's defaults are the program's, and its devices too", () => {
  const defaults = readSettings(configuration({}), '/data');
  assert.deepEqual(defaults, DEFAULT_SETTINGS);
  assert.deepEqual(properties['seedmask.device']?.enum, [...DEVICES]);
});

test('every text that the manifest names exists, and every text is named', () => {
  const named = [...readFileSync(resolve(import.meta.dirname, '../../../package.json'), 'utf8').matchAll(/"%([\w.]+)%"/g)].map(match => match[1] ?? '');
  assert.deepEqual([...new Set(named)].sort(), Object.keys(texts).sort());
});

test('paths become absolute; the id of a catalog stays one', () => {
  const read = readSettings(configuration({ 'tags.file': 'meta/tags.csv', backbone: './dino.onnx', marsFeatures: 'models/stego.onnx', 'cuda.providerDir': '/opt/cuda' }), '/data');
  assert.equal(read.tagsFile, resolve('/data/meta/tags.csv'));
  assert.equal(read.backbone, resolve('/data/dino.onnx'));
  assert.equal(read.marsFeatures, resolve('/data/models/stego.onnx'));
  assert.equal(read.cudaProviderDir, '/opt/cuda');
  assert.equal(readSettings(configuration({ backbone: 'dinov2-small' }), '/data').backbone, 'dinov2-small');
  assert.equal(readSettings(configuration({ marsFeatures: 'stego' }), '/data').marsFeatures, 'stego');
});

test('a value that cannot be is refused by the name of its setting', () => {
  for (const [name, value] of [['device', 'quantum'], ['limits.megapixels', -1], ['tags.backgroundNames', 'none'], ['crf', 'yes']] as const) {
    assert.throws(
      () => readSettings(configuration({ [name]: value }), '/work'),
      (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-settings' && error.message.includes(`seedmask.${name}`),
    );
  }
});

test('the menu of photos and the code agree on what a photo is', () => {
  const when = manifest.contributes.menus['explorer/context']?.map(entry => entry.when ?? '').find(clause => clause.includes('resourceFilename'));
  assert.ok(when?.includes(`resourceFilename =~ ${String(PHOTO_NAME)}`), when);
  for (const name of ['a.jpg', 'A.JPEG', 'x.y.png', 'ä.webp']) assert.ok(PHOTO_NAME.test(name), name);
  for (const name of ['a.mask.png', '.jpg', 'tags.json', 'a.jpg.txt']) assert.ok(!PHOTO_NAME.test(name), name);
});

/** A configuration with the manifest's defaults below some values. */
function configuration(values: Record<string, unknown>): { get: <T>(name: string) => T | undefined } {
  return { get: <T>(name: string) => (name in values ? values[name] : properties[`seedmask.${name}`]?.default) as T | undefined };
}
