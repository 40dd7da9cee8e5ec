/**
 * TFLite models as plain data: tensors with their quantisation, and operators in execution order. The field numbers are those of
 * TensorFlow Lite's schema.fbs (version 3). Only the operators of quantised Inception-like networks are known.
 */
import { SeedMaskError } from '../../src/shared/errors';
import { FlatBuffer } from './flatbuffer';

export interface TfliteTensor {
  name: string;
  /** Images are N x H x W x C, convolution weights O x H x W x I. */
  shape: number[];
  /** real = scale * (stored - zeroPoint). */
  scale: number;
  zeroPoint: number;
  /** Stored bytes of constants; empty for computed tensors. */
  data: Uint8Array;
}

interface Placed {
  inputs: number[];
  outputs: number[];
}

export interface Windowed extends Placed {
  /** VALID: no padding; else SAME: as many cells out as in, divided by the stride. */
  valid: boolean;
  stride: number;
}

export type TfliteOperator =
  | (Windowed & { kind: 'conv' })
  | (Windowed & { kind: 'averagePool' | 'maxPool'; window: number })
  | (Placed & { kind: 'concat' | 'reshape' });

export interface TfliteModel {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: number[];
  outputs: number[];
}

const AVERAGE_POOL_2D = 1;
const CONCATENATION = 2;
const CONV_2D = 3;
const MAX_POOL_2D = 17;
const RESHAPE = 22;

/** @throws SeedMaskError 'bad-model' if it is no TFLite file or holds an operator that is not known here. */
export function readTflite(bytes: Uint8Array): TfliteModel {
  if (new TextDecoder('latin1').decode(bytes.subarray(4, 8)) !== 'TFL3') throw new SeedMaskError('bad-model', 'not a TFLite 3 file');
  const file = new FlatBuffer(bytes);
  const root = file.root();
  const codes = file.tables(root, 1).map(code => Math.max(file.byte(code, 0), file.int(code, 3)));
  const buffers = file.tables(root, 4);
  const [graph] = file.tables(root, 2);
  return {
    tensors: file.tables(graph, 0).map(tensor => readTensor(file, tensor, buffers)),
    operators: file.tables(graph, 3).map(operator => readOperator(file, operator, codes[file.int(operator, 0)])),
    inputs: file.ints(graph, 1),
    outputs: file.ints(graph, 2),
  };
}

function readTensor(file: FlatBuffer, tensor: number, buffers: number[]): TfliteTensor {
  const quantisation = file.table(tensor, 4);
  return {
    name: file.string(tensor, 3),
    shape: file.ints(tensor, 0),
    scale: (quantisation === undefined ? undefined : file.floats(quantisation, 2)[0]) ?? 1,
    zeroPoint: (quantisation === undefined ? undefined : file.longs(quantisation, 3)[0]) ?? 0,
    data: file.data(buffers[file.int(tensor, 2)], 0),
  };
}

function readOperator(file: FlatBuffer, operator: number, code: number): TfliteOperator {
  const placed = { inputs: file.ints(operator, 1), outputs: file.ints(operator, 2) };
  const windowed = (): Windowed & { window: number } => {
    const options = file.table(operator, 4);
    if (options === undefined) throw new SeedMaskError('bad-model', `operator ${code} without options`);
    const stride = file.int(options, 1);
    if (stride !== file.int(options, 2)) throw new SeedMaskError('bad-model', 'strides that differ in x and y');
    // Field 3 is the window's width in poolings, the activation in convolutions.
    return { ...placed, valid: file.byte(options, 0) === 1, stride, window: file.int(options, 3) };
  };
  switch (code) {
    case CONV_2D:
      return { ...windowed(), kind: 'conv' };
    case AVERAGE_POOL_2D:
    case MAX_POOL_2D:
      return { ...windowed(), kind: code === MAX_POOL_2D ? 'maxPool' : 'averagePool' };
    case CONCATENATION:
      return { ...placed, kind: 'concat' };
    case RESHAPE:
      return { ...placed, kind: 'reshape' };
    default:
      throw new SeedMaskError('bad-model', `TFLite operator ${code} is not known here`);
  }
}
