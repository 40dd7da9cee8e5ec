/** Preset files: whole ones are taken as they are, and faults are told by name before anything starts. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { FULL, parsePreset, QUICK, STANDARD } from '../../../models/presets';

const FOLDER = join(import.meta.dirname, '../../../models/presets');

interface Section { [name: string]: unknown }
interface Json extends Section { training: Section }

/** The preset file `name` with a part of it changed. */
async function changed(name: string, change: (training: { [section: string]: Section }, preset: Json) => void): Promise<string> {
  const json = JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')) as Json;
  change(json.training as { [section: string]: Section }, json);
  return JSON.stringify(json);
}

const faultOf = (text: string, message: RegExp): void => assert.throws(() => parsePreset(text, 'my.json'), { reason: 'bad-settings', file: 'my.json', message });

test('the presets that come along are whole, and read back from a training as they were', async () => {
  for (const preset of [QUICK, STANDARD, FULL]) {
    assert.deepEqual(parsePreset(await readFile(join(FOLDER, `${preset.name}.json`), 'utf8'), 'file'), preset);
    assert.deepEqual(parsePreset(JSON.stringify(preset), 'preset.json'), preset);
  }
});

test('a fault within a section is told by its path', async () => {
  faultOf(await changed('standard', ({ decoder }) => (decoder['rate'] = 0)), /training\.decoder\.rate/);
  faultOf(await changed('standard', ({ decoder }) => (decoder['colour'] = 1)), /training\.decoder\.colour: there is no such number in a preset/);
  faultOf(await changed('standard', ({ decoder }) => delete decoder['batch']), /training\.decoder\.batch: is missing/);
  faultOf('3', /is no preset: preset: Invalid type: Expected Object/);
});

test('numbers that do not go together are a fault', async () => {
  faultOf(await changed('standard', ({ decoder }) => (decoder['folds'] = 9)), /training\.decoder: there must be as many members as folds/);
  faultOf(await changed('full', ({ puzzle }) => delete puzzle['network']), /training\.puzzle: what 'what' names needs a part of that name/);
  faultOf(await changed('full', ({ network }) => (network['augmentation'] = { ...(network['augmentation'] as Section), longSide: { least: 640, most: 320 } })), /training\.network\.augmentation\.longSide: least is more than most/);
  const walk = { kind: 'irnet', background: 'constant', beta: 10, steps: 256, radius: 5, cells: 48, colour: 5, features: 0.05 };
  faultOf(await changed('standard', (_, preset) => (preset['propagation'] = walk)), /needs a training\.affinity of that kind/);
});
