/**
 * The trained networks of a data set, `.seedmask/trained/`:
 *
 *     trained.json               what was trained on what, and which of the other files are its own
 *     parameters-<hash>.state    all numbers that were learnt
 *     model.onnx                 the network by itself, to take home, where it can be exported
 *
 * `trained.json` is replaced last, so that there is always one whole training; files that it does not name go after that.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { TRAINING_STAGES } from '../shared/training';
import { atomicWrite, removeOrphans } from './atomicWrite';
import { dataPath, makeFolderFor } from './folder';
import { sha256 } from './hash';

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const fileSchema = v.object({ file: v.pipe(v.string(), v.regex(/^[\w.-]+$/)), sha256: hash });

const recordSchema = v.object({
  version: v.literal(1),
  /** Hash of all that decides whether masks may be made with it: classes, backbone, saliency, what the preset says of features and training. */
  key: hash,
  /** Id of the run that trained it. */
  run: v.string(),
  /** ISO 8601. */
  time: v.string(),
  /** The preset, whole. */
  preset: v.record(v.string(), v.unknown()),
  classes: v.array(v.object({ id: v.pipe(count, v.minValue(1), v.maxValue(254)), name: v.string() })),
  /** Photos that were learnt from. */
  photos: count,
  device: v.string(),
  /** The files of models that were not trained. */
  models: v.object({ backbone: hash, saliency: v.nullable(hash) }),
  stages: v.array(v.object({ name: v.picklist(TRAINING_STAGES), steps: count })),
  parameters: fileSchema,
  model: v.optional(fileSchema),
});
export type TrainedRecord = v.InferOutput<typeof recordSchema>;

/** Name of the exported network, for people. */
export const MODEL_FILE = 'model.onnx';

/** What was trained; nothing if nothing was, or its record is damaged. */
export async function readTrained(root: string): Promise<TrainedRecord | undefined> {
  try {
    return v.parse(recordSchema, JSON.parse(await readFile(recordFile(root), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The bytes that were learnt; nothing if they are not there or damaged. */
export async function readParameters(root: string, { parameters }: TrainedRecord): Promise<Uint8Array | undefined> {
  const bytes = await readFile(trainedPath(root, parameters.file)).catch(() => undefined);
  return bytes && sha256(bytes) === parameters.sha256 ? bytes : undefined;
}

/** Takes the place of what was trained before, whole or not at all. Hold the lock. @throws SeedMaskError as atomicWrite does */
export async function writeTrained(root: string, facts: Omit<TrainedRecord, 'version' | 'parameters' | 'model'>, parameters: Uint8Array): Promise<TrainedRecord> {
  const own = sha256(parameters);
  const record: TrainedRecord = { version: 1, ...facts, parameters: { file: `parameters-${own.slice(0, 16)}.state`, sha256: own } };
  await makeFolderFor(recordFile(root));
  await atomicWrite(trainedPath(root, record.parameters.file), parameters, { fsync: true });
  await writeRecord(root, record);
  return record;
}

/** Adds the exported network to what was trained. @throws SeedMaskError as atomicWrite does */
export async function writeTrainedModel(root: string, record: TrainedRecord, model: Uint8Array): Promise<TrainedRecord> {
  const withModel = { ...record, model: { file: MODEL_FILE, sha256: sha256(model) } };
  await atomicWrite(trainedPath(root, MODEL_FILE), model);
  await writeRecord(root, withModel);
  return withModel;
}

/** Absolute. */
export function trainedPath(root: string, ...parts: string[]): string {
  return dataPath(root, 'trained', ...parts);
}

const recordFile = (root: string): string => trainedPath(root, 'trained.json');

async function writeRecord(root: string, record: TrainedRecord): Promise<void> {
  await atomicWrite(recordFile(root), `${JSON.stringify(record, undefined, 1)}\n`, { fsync: true });
  const named = new Set(['trained.json', record.parameters.file, record.model?.file]);
  await removeOrphans(trainedPath(root));
  for (const file of await readdir(trainedPath(root)).catch(() => [])) {
    if (/^(parameters-.*\.state|model\.onnx)$/.test(file) && !named.has(file)) await rm(join(trainedPath(root), file), { force: true });
  }
}
