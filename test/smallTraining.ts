/**
 * A preset whose training takes seconds: the standard one with fewer numbers to learn, for tests of what surrounds a training.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Standard {
  name: string;
  training: { samples: number; checkpointEvery: number; decoder: Record<string, unknown> };
}

/** Writes it to `file`. @param repository the repository's root @param epochs of each part of the stage; of five steps or so, where there are four photos */
export function writeSmallPreset(repository: string, file: string, epochs: number): void {
  const standard = JSON.parse(readFileSync(join(repository, 'models/presets/standard.json'), 'utf8')) as Standard;
  const { training } = standard;
  const decoder = { ...training.decoder, epochs, batch: 256, members: 1, folds: 1, hidden: [32] };
  writeFileSync(file, JSON.stringify({ ...standard, name: 'small', training: { ...training, samples: 2, checkpointEvery: 2, decoder } }, undefined, 2));
}
