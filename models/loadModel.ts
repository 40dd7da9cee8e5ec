/**
 * The door for model files: size and hash, custom operators, external data, then a plain comparison of what the file offers with
 * what its description promises. Only bytes that passed all of it reach the runtime, as bytes: what was checked is what is loaded.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SeedMaskError } from '../src/shared/errors';
import type { BackboneSpec, ModelFile, ModelSpec, SaliencySpec, UssSpec } from './catalog';
import { inspectModel, refusals, type ModelInspection, type TensorSummary } from './inspect';

export interface LoadedModel<Spec extends ModelSpec> {
  spec: Spec;
  bytes: Uint8Array;
  sha256: string;
  inspection: ModelInspection;
}

/** @throws SeedMaskError 'bad-model' (every difference in the message) or 'io' if the file cannot be read. */
export async function loadModel<Spec extends ModelSpec>({ spec, path }: ModelFile<Spec>): Promise<LoadedModel<Spec>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new SeedMaskError('io', `the model '${spec.name}' cannot be read (bundled models are made by: npm run models)`, path, { cause });
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (spec.sha256 !== undefined && sha256 !== spec.sha256) {
    throw new SeedMaskError('bad-model', `sha256 is ${sha256}, expected ${spec.sha256}: the file (${bytes.length} bytes) is damaged or another one`, path);
  }
  const inspection = inspectModel(bytes, path);
  const faults = [...refusals(inspection), ...promises(spec, inspection)];
  if (faults.length) throw new SeedMaskError('bad-model', `the model cannot be used: ${faults.join('; ')}`, path);
  return { spec, bytes, sha256, inspection };
}

function promises(spec: ModelSpec, inspection: ModelInspection): string[] {
  if (spec.kind === 'saliency') return checkSaliency(spec, inspection);
  return spec.kind === 'backbone' ? checkBackbone(spec, inspection) : checkUss(spec, inspection);
}

/** What the file does not keep of the description, in plain words; empty if all is well. */
export function checkBackbone(spec: BackboneSpec, inspection: ModelInspection): string[] {
  const faults = checkPhotos(spec.input, inspection);
  for (const output of spec.outputs) faults.push(...checkCells(output, spec.input.layout, inspection));
  if (spec.classifier) {
    const deep = spec.outputs.find(({ role }) => role === 'deep');
    if (deep?.channels !== spec.classifier.channels) faults.push(`the classifier has ${spec.classifier.channels} channels, the deep output ${deep?.channels ?? 'is missing'}`);
  }
  return faults;
}

/** The same for a model of unsupervised features. */
export function checkUss(spec: UssSpec, inspection: ModelInspection): string[] {
  if (spec.from === 'photo') return [...checkPhotos(spec.input, inspection), ...checkCells(spec.output, spec.input.layout, inspection)];
  const { name, channels } = spec.input;
  return [...checkInputs(name, [null, channels, null, null], inspection), ...checkFree(name, [2, 3], 'cells', inspection), ...checkCells(spec.output, 'NCHW', inspection)];
}

function checkPhotos({ name, layout }: Pick<BackboneSpec['input'], 'name' | 'layout'>, inspection: ModelInspection): string[] {
  const channelsLast = layout === 'NHWC';
  return [
    ...checkInputs(name, channelsLast ? [null, null, null, 3] : [null, 3, null, null], inspection),
    ...checkFree(name, channelsLast ? [1, 2] : [2, 3], 'pixels', inspection),
  ];
}

/** Photos have many shapes: the model must take them all. */
function checkFree(name: string, [rows, columns]: readonly [number, number], unit: string, { inputs }: ModelInspection): string[] {
  const dims = inputs.find(input => input.name === name)?.dims ?? [];
  const [height, width] = [dims[rows], dims[columns]];
  return typeof height === 'number' || typeof width === 'number' ? [`input '${name}' is fixed to ${width} x ${height} ${unit}: width and height must be free`] : [];
}

function checkCells({ name, kind, channels }: UssSpec['output'], layout: 'NCHW' | 'NHWC', { outputs }: ModelInspection): string[] {
  const dims = kind === 'tokens' ? [null, null, channels] : layout === 'NHWC' ? [null, null, null, channels] : [null, channels, null, null];
  return checkTensor('output', name, dims, outputs);
}

function checkSaliency({ input, output }: SaliencySpec, inspection: ModelInspection): string[] {
  const { size } = input;
  const image = input.layout === 'NHWC' ? [null, size, size, 3] : [null, 3, size, size];
  return [...checkInputs(input.name, image, inspection), ...checkTensor('output', output, [null, 1, size, size], inspection.outputs)];
}

/** The largest batch the model takes: its fixed first dimension, else unlimited. */
export function batchLimit(inputName: string, inspection: ModelInspection): number {
  const batch = inspection.inputs.find(({ name }) => name === inputName)?.dims?.[0];
  return typeof batch === 'number' ? batch : Infinity;
}

type Wanted = readonly (number | null)[];

function checkInputs(name: string, dims: Wanted, { inputs }: ModelInspection): string[] {
  const others = inputs.filter(input => input.name !== name).map(input => `it also wants an input '${input.name}'`);
  return [...checkTensor('input', name, dims, inputs), ...others];
}

function checkTensor(end: 'input' | 'output', name: string, wanted: Wanted, offered: readonly TensorSummary[]): string[] {
  const tensor = offered.find(other => other.name === name);
  if (!tensor) return [`there is no ${end} '${name}' (it has: ${offered.map(other => other.name).join(', ')})`];
  const faults = tensor.dtype === 'float32' ? [] : [`${end} '${name}' is ${tensor.dtype}, expected float32`];
  const { dims } = tensor;
  // Exporters sometimes leave output shapes out; then the first run tells.
  if (!dims) return faults;
  if (dims.length !== wanted.length) return [...faults, `${end} '${name}' has rank ${dims.length}, expected ${wanted.length}`];
  dims.forEach((size, i) => {
    const expected = wanted[i];
    if (typeof size === 'number' && expected !== null && size !== expected) faults.push(`${end} '${name}' has ${size} in dimension ${i}, expected ${expected}`);
  });
  return faults;
}
