/**
 * The run's backbone as something that can be built into training graphs: its weights by name, and its file with fixed shapes for any number of photos of any size. Most
 * files of convolutions are the same for every size once the runtime has folded what computes weights, and are folded once; others (position codes, reshapes) are
 * folded for each size.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import type { BackboneSpec } from '../../../../models/catalog';
import type { LoadedModel } from '../../../../models/loadModel';
import { backboneWeights, type BackboneWeight } from '../../../../models/networks/backboneStages';
import { SeedMaskError } from '../../../shared/errors';
import { fixedShapes } from '../../fixedShapes';

/** Operators in whose attributes and constants no size of the input stands. */
const SIZELESS = new Set([
  'Conv', 'Relu', 'Clip', 'LeakyRelu', 'Elu', 'Gelu', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Softplus', 'Tanh', 'Erf', 'Identity', 'Dropout',
  'MaxPool', 'AveragePool', 'GlobalAveragePool', 'Concat', 'Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'BatchNormalization', 'InstanceNormalization',
]);

/** Smallest photo, in multiples of what the backbone wants, that is sure to pass it. */
const SMALLEST = 4;

export class BackboneFile {
  private readonly folded = new Map<string, Promise<Uint8Array>>();

  private constructor(
    private readonly model: LoadedModel<BackboneSpec>,
    private readonly free: readonly (string | number)[],
    /** All float weights of the file. */
    readonly weights: readonly BackboneWeight[],
    private readonly sizeless: Uint8Array | undefined,
  ) {}

  /** @throws SeedMaskError 'bad-model' */
  static async open(model: LoadedModel<BackboneSpec>): Promise<BackboneFile> {
    const { spec, inspection, bytes } = model;
    const dims = inspection.inputs.find(({ name }) => name === spec.input.name)?.dims ?? [];
    const [batch, rows, columns] = spec.input.layout === 'NHWC' ? [dims[0], dims[1], dims[2]] : [dims[0], dims[2], dims[3]];
    if (batch == null || rows == null || columns == null) throw new SeedMaskError('bad-model', `'${spec.name}' cannot be trained: the free dimensions of its input have no names`);
    const free = [batch, rows, columns];
    const side = SMALLEST * spec.input.multiple;
    const folded = await fold(bytes, spec, free, [1, side, side]);
    const weights = backboneWeights(folded, spec.outputs.map(({ name }) => name));
    return new BackboneFile(model, free, weights, isSizeless(folded) ? folded : undefined);
  }

  get spec(): BackboneSpec {
    return this.model.spec;
  }

  /** @param height, width of the photos, without border. @throws SeedMaskError 'bad-model' if the file takes another number of photos. */
  async fixed(photos: number, height: number, width: number): Promise<Uint8Array> {
    const [batch] = this.free;
    if (typeof batch === 'number' && batch !== photos) throw new SeedMaskError('bad-model', `'${this.spec.name}' takes ${batch} photo${batch === 1 ? '' : 's'} at once: export it with a free batch to train it`);
    if (this.sizeless) return this.sizeless;
    const size = [photos, height, width] as const;
    const key = size.join();
    const known = this.folded.get(key) ?? fold(this.model.bytes, this.spec, this.free, size);
    this.folded.set(key, known);
    known.catch(() => this.folded.delete(key));
    return known;
  }
}

async function fold(bytes: Uint8Array, { input: { pad } }: BackboneSpec, free: readonly (string | number)[], [photos, height, width]: readonly [number, number, number]): Promise<Uint8Array> {
  const sizes = [photos, height + pad.top + pad.bottom, width + pad.left + pad.right];
  return fixedShapes(bytes, Object.fromEntries(free.flatMap((name, i) => (typeof name === 'string' ? [[name, sizes[i]]] : []))));
}

function isSizeless(bytes: Uint8Array): boolean {
  return fromBinary(ModelProtoSchema, bytes).graph?.node.every(({ opType }) => SIZELESS.has(opType)) ?? false;
}
