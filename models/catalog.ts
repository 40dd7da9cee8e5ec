/**
 * The models SeedMask can run: what `catalog.json` describes, and a person's own backbone, which is an ONNX file with a JSON file
 * of the same shape beside it (`my-vit.onnx`, `my-vit.json`). A description says how a photo becomes the input and what the
 * outputs mean; whether the file keeps that promise is checked before it is loaded (`loadModel.ts`).
 */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { SeedMaskError } from '../src/shared/errors';
import catalog from './catalog.json';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const perChannel = v.tuple([v.number(), v.number(), v.number()]);
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a sha256 in hexadecimal'));
/** A plain file name: descriptions cannot point elsewhere. */
const fileName = v.pipe(v.string(), v.regex(/^[\w][\w.-]*$/, 'not a plain file name'));

const origin = {
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and dashes')),
  name,
  /** Licence of the weights, as an SPDX expression or in words. */
  licence: v.optional(name, 'unknown'),
  /** Where the weights come from. */
  source: v.optional(name, 'unknown'),
};

const pixels = {
  /** Name of the graph's input. */
  name,
  layout: v.picklist(['NCHW', 'NHWC']),
  /** An 8-bit RGB value p is fed as (p / scale - mean) / std. */
  scale: v.pipe(v.number(), v.gtValue(0)),
  mean: perChannel,
  std: perChannel,
};

const backboneOutputSchema = v.strictObject({
  /** Name of the graph's output. */
  name,
  /** What it is good for: deep features name the class, middle ones place it, fine ones follow its outline. */
  role: v.picklist(['deep', 'middle', 'fine']),
  /** map: N x C x h x w (N x h x w x C if the input is NHWC); tokens: N x T x C. */
  kind: v.picklist(['map', 'tokens']),
  channels: positive,
  /** Pixels of the input per cell. */
  stride: positive,
  /** tokens: how many stand before the patches (class token and registers). */
  skipTokens: v.optional(count, 0),
  /** map of 2n+1 cells centred on multiples of the stride: average 2 x 2 neighbours, which puts 2n cells on the half-pixel grid. */
  smooth2x2: v.optional(v.boolean(), false),
});

export const backboneSchema = v.strictObject({
  kind: v.literal('backbone'),
  ...origin,
  file: v.optional(fileName),
  sha256: v.optional(sha256),
  input: v.strictObject({
    ...pixels,
    /** Width and height of the photo must be multiples of this. */
    multiple: positive,
    /** Pixels of mirrored border the graph wants around it, so that cell i is centred on stride * (i + 1/2). */
    pad: v.strictObject({ left: count, top: count, right: count, bottom: count }),
    /** Longer side that suits the model at scale 1. */
    longSide: positive,
  }),
  outputs: v.pipe(v.array(backboneOutputSchema), v.minLength(1)),
  /** A linear classifier on the mean of the first deep output: float32, classes x channels, then one bias per class. */
  classifier: v.optional(v.strictObject({ file: fileName, sha256, classes: positive, channels: positive, labels: fileName })),
});

export const saliencySchema = v.strictObject({
  kind: v.literal('saliency'),
  ...origin,
  file: fileName,
  sha256,
  /** Photos are stretched to size x size. */
  input: v.strictObject({ ...pixels, size: positive }),
  /** N x 1 x size x size, 0..1. */
  output: name,
});

export type BackboneSpec = v.InferOutput<typeof backboneSchema>;
export type BackboneOutput = BackboneSpec['outputs'][number];
export type SaliencySpec = v.InferOutput<typeof saliencySchema>;

/** A description together with the place of its ONNX file. */
export interface ModelFile<Spec extends BackboneSpec | SaliencySpec = BackboneSpec | SaliencySpec> {
  spec: Spec;
  path: string;
}

const entries = v.parse(v.strictObject({ models: v.array(v.variant('kind', [backboneSchema, saliencySchema])) }), catalog).models;

/** The catalog's backbones; the first is the default. */
export const BACKBONES: readonly BackboneSpec[] = entries.filter(entry => entry.kind === 'backbone');

/** The catalog's models of salient objects; the first is the default. */
export const SALIENCY_MODELS: readonly SaliencySpec[] = entries.filter(entry => entry.kind === 'saliency');

/**
 * The backbone a person asked for: an id of the catalog, the absolute path of an `.onnx` file, or nothing for the default.
 * @throws SeedMaskError 'bad-model' if there is no such model or its description is wrong (each fault named).
 */
export async function findBackbone(wanted: string | undefined, weightsFolder: string): Promise<ModelFile<BackboneSpec>> {
  const spec = wanted === undefined ? BACKBONES[0] : BACKBONES.find(({ id }) => id === wanted);
  if (spec?.file) return { spec, path: join(weightsFolder, spec.file) };
  if (wanted === undefined || !isAbsolute(wanted) || !/\.onnx$/i.test(wanted)) {
    throw new SeedMaskError('bad-model', `no backbone '${wanted}': give one of ${BACKBONES.map(({ id }) => id).join(', ')} or the absolute path of an .onnx file`);
  }
  return { spec: await readDescription(wanted.replace(/\.onnx$/i, '.json')), path: wanted };
}

/** The default model of salient objects. */
export function findSaliency(weightsFolder: string): ModelFile<SaliencySpec> {
  const [spec] = SALIENCY_MODELS;
  return { spec, path: join(weightsFolder, spec.file) };
}

async function readDescription(path: string): Promise<BackboneSpec> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new SeedMaskError('bad-model', 'a backbone of your own needs a .json beside it that describes its input and outputs', path, { cause });
  }
  return parseBackbone(text, path);
}

/** @throws SeedMaskError 'bad-model' that names each fault of the description. */
export function parseBackbone(text: string, file: string): BackboneSpec {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SeedMaskError('bad-model', `not JSON: ${String(cause)}`, file, { cause });
  }
  const result = v.safeParse(backboneSchema, json);
  if (result.success) return result.output;
  const faults = result.issues.map(issue => `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  throw new SeedMaskError('bad-model', `wrong description: ${faults.join('; ')}`, file);
}
