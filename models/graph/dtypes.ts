/** The element types that our graphs use, and ONNX's numbers for them. */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { DType } from './value';

const CODES: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

/** ONNX's number for a dtype, as attributes such as Cast's `to` want it. */
export function codeOfDType(dtype: DType): number {
  return CODES[dtype];
}

/** The dtype of ONNX's number `code`. @throws for types that our graphs do not use. */
export function dtypeOfCode(code: number): DType {
  const found = (Object.keys(CODES) as DType[]).find(dtype => codeOfDType(dtype) === code);
  if (!found) throw new Error(`ONNX data type ${code} is not used here`);
  return found;
}
