/** The door for model files: what is refused, and that the message says why. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType, AttributeProtoSchema, FunctionProtoSchema, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProtoSchema,
  TensorProto_DataLocation as Location, type ModelProto, type TensorProto,
} from 'onnx-buf';
import { BACKBONES, findBackbone, parseBackbone, SALIENCY_MODELS } from '../../../models/catalog';
import { serialise } from '../../../models/graph/serialise';
import { inspectModel, refusals } from '../../../models/inspect';
import { batchLimit, checkBackbone, loadModel } from '../../../models/loadModel';
import { SeedMaskError } from '../../../src/shared/errors';
import { tinyCnnSpec, tinyVit, tinyVitBytes, tinyVitJson, tinyVitSpec } from '../../tinyModels';

const folder = mkdtempSync(join(tmpdir(), 'seedmask-models-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function saved(bytes: Uint8Array, json: unknown = tinyVitJson): string {
  const stem = join(folder, `model${files++}`);
  writeFileSync(`${stem}.onnx`, bytes);
  writeFileSync(`${stem}.json`, JSON.stringify(json));
  return `${stem}.onnx`;
}

function changed(change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, tinyVitBytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

async function refused(path: string, pattern: RegExp): Promise<void> {
  await assert.rejects(async () => loadModel(await findBackbone(path, folder)), (error: unknown) => {
    assert.ok(error instanceof SeedMaskError && error.reason === 'bad-model', String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

function external(location: string): TensorProto {
  return create(TensorProtoSchema, { name: 'outside', dims: [4n], dataType: 1, dataLocation: Location.EXTERNAL, externalData: [{ key: 'location', value: location }] });
}

test('a person\'s own backbone with its description beside it is accepted', async () => {
  const { spec, bytes, sha256, inspection } = await loadModel(await findBackbone(saved(tinyVitBytes), folder));
  assert.equal(spec.id, 'tiny-vit');
  assert.deepEqual(Buffer.from(bytes), Buffer.from(tinyVitBytes));
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.equal(batchLimit('pixel_values', inspection), 1);
  assert.deepEqual([inspection.opset, inspection.irVersion], [21, 10]);
});

test('F1: another hash, a truncated file or no model at all', async () => {
  const wrong = 'ab'.repeat(32);
  await refused(saved(tinyVitBytes, { ...tinyVitJson, sha256: wrong }), new RegExp(`sha256 is [0-9a-f]{64}, expected ${wrong}`));
  await refused(saved(tinyVitBytes.subarray(0, 500)), /not an ONNX model/);
  await refused(saved(new TextEncoder().encode('<html>not found</html>')), /not an ONNX model/);
  await refused(saved(new Uint8Array()), /not an ONNX model/);
});

test('F2: tensors outside the file, wherever they hide', async () => {
  for (const location of ['../weights.bin', '/etc/passwd', 'weights.bin', '*/_ORT_MEM_ADDR_/*']) {
    await refused(saved(changed(model => model.graph?.initializer.push(external(location)))), /keeps tensors outside the file/);
  }
  const constant = create(NodeProtoSchema, { opType: 'Constant', output: ['c'], attribute: [create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t: external('a.bin') })] });
  await refused(saved(changed(model => model.graph?.node.push(constant))), /'a\.bin'/);
});

test('F3: custom operators, also inside subgraphs and functions', async () => {
  const custom = create(NodeProtoSchema, { opType: 'Evil', domain: 'my.ops', output: ['e'] });
  await refused(saved(changed(model => model.graph?.node.push(custom))), /custom operators \('my\.ops'\)/);
  const branch = create(GraphProtoSchema, { name: 'then', node: [custom] });
  const conditional = create(NodeProtoSchema, { opType: 'If', output: ['i'], attribute: [create(AttributeProtoSchema, { name: 'then_branch', type: AttributeType.GRAPH, g: branch })] });
  await refused(saved(changed(model => model.graph?.node.push(conditional))), /custom operators/);
  const local = create(FunctionProtoSchema, { name: 'local', node: [custom] });
  await refused(saved(changed(model => model.functions.push(local))), /custom operators/);
  const gelu = create(NodeProtoSchema, { opType: 'Gelu', domain: 'com.microsoft', output: ['g'] });
  assert.deepEqual(refusals(inspectModel(changed(model => model.graph?.node.push(gelu)))), []);
});

test('F4: every difference between file and description is listed', () => {
  const differences = (graph: Partial<typeof tinyVit>, spec = tinyVitSpec): string[] => checkBackbone(spec, inspectModel(serialise({ ...tinyVit, ...graph })));
  assert.deepEqual(differences({}), []);
  assert.deepEqual(differences({ inputs: [{ name: 'image', dtype: 'float32', dims: [1, 3, 'h', 'w'] }] }), [
    "there is no input 'pixel_values' (it has: image)",
    "it also wants an input 'image'",
  ]);
  assert.deepEqual(differences({ inputs: [{ name: 'pixel_values', dtype: 'float16', dims: [1, 4, 'h', 'w'] }] }), [
    "input 'pixel_values' is float16, expected float32",
    "input 'pixel_values' has 4 in dimension 1, expected 3",
  ]);
  assert.deepEqual(differences({ inputs: [{ name: 'pixel_values', dtype: 'float32', dims: [1, 3, 224, 224] }] }), ["input 'pixel_values' is fixed to 224 x 224 pixels: width and height must be free"]);
  assert.deepEqual(differences({ outputs: [{ name: 'last_hidden_state', dtype: 'float32', dims: [1, 't', 16] }] }), ["output 'last_hidden_state' has 16 in dimension 2, expected 8"]);
  assert.deepEqual(differences({ outputs: [{ name: 'last_hidden_state', dtype: 'float32', dims: [1, 8, 'h', 'w'] }] }), ["output 'last_hidden_state' has rank 4, expected 3"]);
  assert.equal(differences({}, tinyCnnSpec).length, 3);
  const classifier = { file: 'c.bin', sha256: 'ab'.repeat(32), classes: 10, channels: 7, labels: 'l.json' };
  assert.deepEqual(differences({}, { ...tinyVitSpec, classifier }), ['the classifier has 7 channels, the deep output 8']);
});

test('a wrong or missing description names its faults', async () => {
  const parse = (json: unknown): unknown => parseBackbone(JSON.stringify(json), 'x.json');
  assert.throws(() => parse({ ...tinyVitJson, outputs: [] }), /outputs/);
  assert.throws(() => parse({ ...tinyVitJson, input: { ...tinyVitJson.input, scale: 0 } }), /input\.scale/);
  assert.throws(() => parse({ ...tinyVitJson, file: '../elsewhere.onnx' }), /file: not a plain file name/);
  assert.throws(() => parse({ ...tinyVitJson, surprise: 1 }), /surprise/);
  assert.throws(() => parseBackbone('{', 'x.json'), /not JSON/);
  const lonely = join(folder, 'lonely.onnx');
  writeFileSync(lonely, tinyVitBytes);
  await assert.rejects(findBackbone(lonely, folder), /needs a \.json beside it/);
  await assert.rejects(findBackbone('resnet', folder), /no backbone 'resnet': give one of inception-v3/);
  await assert.rejects(findBackbone('relative/model.onnx', folder), /no backbone/);
});

test('the catalog names file, hash, licence and source of every model', () => {
  for (const { file, sha256, licence, source } of [...BACKBONES, ...SALIENCY_MODELS]) {
    assert.ok(file && sha256 && licence !== 'unknown' && source !== 'unknown');
  }
});
