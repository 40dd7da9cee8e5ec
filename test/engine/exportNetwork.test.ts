/** Networks taken home: one file from a photo's bytes to class ids, for photos of any size where the network allows it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { backboneInput, decodeOutput } from '../../models/adapter';
import { BACKBONES, parseBackbone } from '../../models/catalog';
import { exportNetwork, METADATA_KEY, type ExportMetadata, type PhotoSize } from '../../models/exportNetwork';
import type { GraphBuilder } from '../../models/graph/builder';
import type { Value } from '../../models/graph/value';
import { resizeBilinear } from '../../src/pipeline/resize';
import { backboneLayers } from '../../models/networks/importedBackbone';
import { fixedShapes } from '../../src/engine/fixedShapes';
import { floats } from '../../src/shared/graph';
import { zeroMaps, type Maps, type RgbImage } from '../../src/shared/maps';
import { runOnce } from '../cpuHost';
import { tinyVitBytes, tinyVitJson } from '../tinyModels';

const INCEPTION = join(import.meta.dirname, '../../models/weights/inception-v3.onnx');
const needsWeights = { skip: existsSync(INCEPTION) ? false : 'models/weights is not made: npm run models' };
const CLASSES = [{ id: 7, name: 'cat' }, { id: 3, name: 'dog' }];

const wave = (size: number, scale: number): Float32Array => Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1 + i * 1.7));

function stripes(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 128 + 100 * Math.sin(i * 0.013) + (i % 3) * 9) };
}

function metadataOf(model: Uint8Array): ExportMetadata {
  const [{ key, value }] = fromBinary(ModelProtoSchema, model).metadataProps;
  assert.equal(key, METADATA_KEY);
  return JSON.parse(value) as ExportMetadata;
}

/** Softmax over the channels of scores enlarged to the photo. */
function expectedProbabilities(scores: Maps, photo: PhotoSize): Maps {
  const large = resizeBilinear(scores, photo.height, photo.width);
  const size = photo.height * photo.width;
  for (let p = 0; p < size; p++) {
    const values = Array.from({ length: large.channels }, (_, c) => Math.exp(large.data[c * size + p]));
    const total = values.reduce((sum, value) => sum + value, 0);
    values.forEach((value, c) => (large.data[c * size + p] = value / total));
  }
  return large;
}

test('a linear network on Inception takes photos of any size, and gives what its parts give', needsWeights, async () => {
  const [spec] = BACKBONES;
  const bytes = await readFile(INCEPTION);
  const weights = wave(3 * 768, 0.02);
  const fixed = await fixedShapes(bytes, { N: 1, H: 96, W: 96 });
  const logits = (g: GraphBuilder, photo: Value): Value => {
    const middle = backboneLayers(g, fixed, spec, photo).get('middle');
    assert.ok(middle);
    return g.conv(middle, g.constant(weights, [3, 768, 1, 1]));
  };
  const { model, size } = await exportNetwork({ multiple: spec.input.multiple, classes: CLASSES, longSide: 100, description: 'test', licence: 'none', logits });
  assert.equal(size, undefined);
  const metadata = metadataOf(model);
  assert.deepEqual({ ...metadata, description: '' }, { format: 1, description: '', licence: 'none', classes: [{ id: 0, name: 'background' }, ...CLASSES], multiple: 16, longSide: 96, size: null });
  for (const photo of [stripes(96, 96), stripes(144, 80)]) {
    const { labels, probabilities } = await runOnce(model, { photo: { dims: [1, photo.height, photo.width, 3], data: photo.data } });
    const found = floats({ probabilities }, 'probabilities');
    assert.deepEqual(found.dims, [1, 3, photo.height, photo.width]);
    const output = spec.outputs.find(({ name }) => name === 'mixed6e');
    assert.ok(output);
    const [middle] = decodeOutput(spec, output, await runOnce(bytes, backboneInput(spec, [photo])), photo);
    const scores = zeroMaps(3, middle.height, middle.width);
    const cells = middle.height * middle.width;
    for (let c = 0; c < 3; c++) for (let k = 0; k < 768; k++) for (let i = 0; i < cells; i++) scores.data[c * cells + i] += weights[c * 768 + k] * middle.data[k * cells + i];
    const expected = expectedProbabilities(scores, photo);
    const worst = found.data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i])), 0);
    assert.ok(worst < 1e-4, `probabilities differ by ${worst}`);
    const ids = [0, 7, 3];
    const pixels = photo.height * photo.width;
    const wrong = Array.from(labels.data, Number).filter((id, p) => {
      const values = ids.map((_, c) => found.data[c * pixels + p]);
      return id !== ids[values.indexOf(Math.max(...values))];
    });
    assert.equal(wrong.length, 0);
    assert.ok(new Set(Array.from(labels.data, Number)).size > 1, 'one class everywhere shows nothing');
  }
});

test('a network whose nodes depend on the size keeps the size it was built for, and says so', async () => {
  const spec = parseBackbone(JSON.stringify(tinyVitJson), 'tiny');
  const logits = async (g: GraphBuilder, photo: Value): Promise<Value> => {
    const [, height, width] = photo.shape;
    const deep = backboneLayers(g, await fixedShapes(tinyVitBytes, { height, width }), spec, photo).get('deep');
    assert.ok(deep);
    return g.conv(deep, g.constant(wave(3 * 8, 0.1), [3, 8, 1, 1]));
  };
  const { model, size } = await exportNetwork({ multiple: spec.input.multiple, classes: CLASSES, longSide: 32, description: 'vit', licence: 'none', logits });
  assert.deepEqual(size, { height: 32, width: 32 });
  assert.deepEqual(metadataOf(model).size, size);
  const photo = stripes(32, 32);
  const { labels } = await runOnce(model, { photo: { dims: [1, 32, 32, 3], data: photo.data } });
  assert.deepEqual([...labels.dims], [1, 32, 32]);
  await assert.rejects(runOnce(model, { photo: { dims: [1, 32, 40, 3], data: stripes(40, 32).data } }));
});

test('a network of another number of channels than classes is refused', async () => {
  const spec = parseBackbone(JSON.stringify(tinyVitJson), 'tiny');
  const logits = (g: GraphBuilder, photo: Value): Value => g.transpose(g.slice(g.cast(photo, 'float32'), [0], [2], [3]), [0, 3, 1, 2]);
  await assert.rejects(exportNetwork({ multiple: spec.input.multiple, classes: CLASSES, longSide: 32, description: '', licence: '', logits }), /2 channels for background and 2 classes/);
});
