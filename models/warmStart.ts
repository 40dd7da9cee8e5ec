/**
 * Heads before any learning: where a tag names a class of ImageNet, or a group of them, the backbone's own classifier already knows it.
 * A tag is looked up as a group (`imagenetGroups.json`: dog = all breeds, tv = television, monitor and screen; an empty group
 * says that ImageNet's word means something else, such as `ear`, an ear of corn), then as a label, then as the last word of labels
 * (`retriever`: six of them). Case, separators and plural do not matter.
 *
 * Softmax rows mean something only relative to each other, so a head is the mean of its group's rows minus the mean of all rows. What
 * the rows of a large group (118 dogs) do not share cancels in their mean; it is stretched back to the length that single rows have, so
 * that heads of large and small groups can be compared.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../src/shared/errors';
import type { BackboneSpec } from './catalog';
import table from './imagenetGroups.json';

export interface Classifier {
  /** classes x channels, row-major. */
  weights: Float32Array;
  bias: Float32Array;
  labels: readonly string[];
  channels: number;
}

export interface WarmHeads {
  /** tags x channels, row-major, for features divided by `rms`; zeros for unknown tags. */
  weights: Float32Array;
  /** Which tags ImageNet knows. */
  known: boolean[];
}

const { groups, aliases, plurals } = table as { groups: Record<string, string>; aliases: Record<string, string>; plurals: Record<string, string> };
const GROUPS = new Map(Object.entries(groups).map(([name, members]) => [squeezed(name), parseMembers(members)]));
const ALIASES = new Map(Object.entries(aliases).map(([name, group]) => [squeezed(name), squeezed(group)]));
const PLURALS = new Map(Object.entries(plurals));

/** The labels (by index) that a tag stands for; empty if ImageNet does not know it. */
export function imagenetGroup(tag: string, labels: readonly string[]): number[] {
  const forms = singularForms(words(tag).join(' '));
  for (const form of forms) {
    const key = squeezed(form);
    const group = GROUPS.get(ALIASES.get(key) ?? key);
    if (group) return [...group];
  }
  return labelsWhere(labels, forms, label => squeezed(label)) ?? labelsWhere(labels, forms, label => words(label).at(-1) ?? '') ?? [];
}

/** Heads for `tags`. `rms`: by what each channel of the features was divided (all ones if it was not). */
export function warmHeads(tags: readonly string[], classifier: Classifier, rms: Float32Array): WarmHeads {
  const { channels, labels } = classifier;
  const every = meanRow(classifier, labels.map((_, i) => i));
  const weights = new Float32Array(tags.length * channels);
  const known = tags.map((tag, k) => {
    const members = imagenetGroup(tag, labels);
    if (!members.length) return false;
    const shared = relativeRow(classifier, members, every);
    const single = members.reduce((sum, member) => sum + length(relativeRow(classifier, [member], every)), 0) / members.length;
    const stretch = single / (length(shared) || 1);
    for (let c = 0; c < channels; c++) weights[k * channels + c] = shared[c] * stretch * rms[c];
    return true;
  });
  return { weights, known };
}

/** The classifier that belongs to a backbone of the catalog. @throws SeedMaskError 'io' or 'bad-model' (wrong hash or size). */
export async function loadClassifier(spec: NonNullable<BackboneSpec['classifier']>, weightsFolder: string): Promise<Classifier> {
  const read = async (file: string): Promise<Buffer> => {
    try {
      return await readFile(join(weightsFolder, file));
    } catch (cause) {
      throw new SeedMaskError('io', 'a part of the model cannot be read (it is made by: npm run models)', file, { cause });
    }
  };
  const bytes = await read(spec.file);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== spec.sha256) throw new SeedMaskError('bad-model', `sha256 is ${found}, expected ${spec.sha256}`, spec.file);
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const labels = v.safeParse(v.pipe(v.string(), v.parseJson(), v.array(v.string()), v.length(spec.classes)), (await read(spec.labels)).toString('utf8'));
  if (!labels.success || numbers.length !== spec.classes * (spec.channels + 1)) throw new SeedMaskError('bad-model', 'the classifier does not have the size that the catalog names', spec.file);
  const split = spec.classes * spec.channels;
  return { weights: numbers.subarray(0, split), bias: numbers.subarray(split), labels: labels.output, channels: spec.channels };
}

function meanRow({ weights, channels }: Classifier, rows: readonly number[]): Float64Array {
  const mean = new Float64Array(channels);
  for (const row of rows) for (let c = 0; c < channels; c++) mean[c] += weights[row * channels + c] / rows.length;
  return mean;
}

function relativeRow(classifier: Classifier, rows: readonly number[], every: Float64Array): Float64Array {
  return meanRow(classifier, rows).map((x, c) => x - every[c]);
}

function length(row: Float64Array): number {
  return Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
}

function labelsWhere(labels: readonly string[], forms: readonly string[], key: (label: string) => string): number[] | undefined {
  for (const form of forms) {
    const wanted = squeezed(form);
    const found = labels.flatMap((label, i) => (i > 0 && key(label) === wanted ? [i] : []));
    if (found.length) return found;
  }
  return undefined;
}

/** The tag as it is, then what it may be the plural of. */
function singularForms(tag: string): string[] {
  const [last, ...before] = tag.split(' ').reverse();
  const stem = before.reverse();
  const candidates = [last, PLURALS.get(last), last.replace(/ies$/, 'y'), last.replace(/(s|x|z|ch|sh)es$/, '$1'), last.replace(/([^s])s$/, '$1')];
  return [...new Set(candidates.flatMap(word => (word ? [[...stem, word].join(' ')] : [])))];
}

function words(text: string): string[] {
  return text.toLowerCase().split(/[^\p{L}\p{N}']+/u).filter(Boolean);
}

/** Without case, spaces and punctuation: `TV_monitor`, `tv monitor` and `tvmonitor` are one. */
function squeezed(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

/** '152-155 160' is 152, 153, 154, 155, 160. */
function parseMembers(members: string): number[] {
  return members.split(' ').filter(Boolean).flatMap(part => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
