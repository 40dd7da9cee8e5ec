/**
 * The models SeedMask can run: what `catalog.json` describes, and a person's own backbone or model of unsupervised features, which is an ONNX file with a JSON file
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

/** What a model of photos wants of them. */
const photoInput = {
  ...pixels,
  /** Width and height of the photo must be multiples of this. */
  multiple: positive,
  /** Pixels of mirrored border the graph wants around it, so that cell i is centred on stride * (i + 1/2). */
  pad: v.strictObject({ left: count, top: count, right: count, bottom: count }),
  /** Longer side that suits the model at scale 1. */
  longSide: positive,
};

/** What a layer is good for: deep features name the class, middle ones place it, fine ones follow its outline. */
const role = v.picklist(['deep', 'middle', 'fine']);

/** Features of cells. */
const cells = {
  /** Name of the graph's output. */
  name,
  /** map: N x C x h x w (N x h x w x C if the input is NHWC); tokens: N x T x C. */
  kind: v.picklist(['map', 'tokens']),
  channels: positive,
  /** tokens: how many stand before the patches (class token and registers). */
  skipTokens: v.optional(count, 0),
};

/** Cells of a photo. */
const photoCells = {
  ...cells,
  /** Pixels of the input per cell. */
  stride: positive,
  /** map of 2n+1 cells centred on multiples of the stride: average 2 x 2 neighbours, which puts 2n cells on the half-pixel grid. */
  smooth2x2: v.optional(v.boolean(), false),
};

const backboneOutputSchema = v.strictObject({ ...photoCells, role });

export const backboneSchema = v.strictObject({
  kind: v.literal('backbone'),
  ...origin,
  file: v.optional(fileName),
  sha256: v.optional(sha256),
  input: v.strictObject(photoInput),
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

const uss = { kind: v.literal('uss'), ...origin, file: v.optional(fileName), sha256: v.optional(sha256) };

/**
 * Unsupervised segmentation features, for debiasing: a whole model of photos (Leopart's tokens, STEGO with its backbone), or a head on a layer of the backbone
 * (STEGO's), which keeps that layer's grid.
 */
export const ussSchema = v.variant('from', [
  v.strictObject({ ...uss, from: v.literal('photo'), input: v.strictObject(photoInput), output: v.strictObject(photoCells) }),
  v.strictObject({
    ...uss,
    from: v.literal('features'),
    /** N x C x h x w of the backbone's layer `role`. */
    input: v.strictObject({ name, role, channels: positive }),
    output: v.strictObject(cells),
  }),
]);

export type UssSpec = v.InferOutput<typeof ussSchema>;
export type BackboneSpec = v.InferOutput<typeof backboneSchema>;
export type BackboneOutput = BackboneSpec['outputs'][number];
export type SaliencySpec = v.InferOutput<typeof saliencySchema>;

export type ModelSpec = BackboneSpec | SaliencySpec | UssSpec;

/** A description together with the place of its ONNX file. */
export interface ModelFile<Spec extends ModelSpec = ModelSpec> {
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
  return { spec: parseBackbone(await readDescription(wanted), descriptionOf(wanted)), path: wanted };
}

/**
 * A person's model of unsupervised features, by the absolute path of its `.onnx` file.
 * @throws SeedMaskError 'bad-model' if the path is none, or the description beside it is missing or wrong (each fault named).
 */
export async function findUss(wanted: string): Promise<ModelFile<UssSpec>> {
  if (!isAbsolute(wanted) || !/\.onnx$/i.test(wanted)) throw new SeedMaskError('bad-model', `no model of features '${wanted}': give backbone, stego or the absolute path of an .onnx file`);
  return { spec: parseUss(await readDescription(wanted), descriptionOf(wanted)), path: wanted };
}

/** The default model of salient objects. */
export function findSaliency(weightsFolder: string): ModelFile<SaliencySpec> {
  const [spec] = SALIENCY_MODELS;
  return { spec, path: join(weightsFolder, spec.file) };
}

/** Where the description of a person's model stands. */
function descriptionOf(model: string): string {
  return model.replace(/\.onnx$/i, '.json');
}

async function readDescription(model: string): Promise<string> {
  try {
    return await readFile(descriptionOf(model), 'utf8');
  } catch (cause) {
    throw new SeedMaskError('bad-model', 'a model of your own needs a .json beside it that describes its input and outputs', descriptionOf(model), { cause });
  }
}

/** @throws SeedMaskError 'bad-model' that names each fault of the description. */
export function parseBackbone(text: string, file: string): BackboneSpec {
  return parseDescription(backboneSchema, text, file);
}

/** @throws SeedMaskError 'bad-model' that names each fault of the description. */
export function parseUss(text: string, file: string): UssSpec {
  return parseDescription(ussSchema, text, file);
}

function parseDescription<Schema extends typeof backboneSchema | typeof ussSchema>(schema: Schema, text: string, file: string): v.InferOutput<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SeedMaskError('bad-model', `not JSON: ${String(cause)}`, file, { cause });
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const faults = result.issues.map(issue => `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  throw new SeedMaskError('bad-model', `wrong description: ${faults.join('; ')}`, file);
}
