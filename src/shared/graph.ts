/**
 * How the science asks for an ONNX graph to be run, without knowing ONNX Runtime: `models/` builds graphs, `src/pipeline` feeds
 * them, `src/engine` owns the sessions. A test may pass a runner of its own.
 */

export interface Tensor {
  dims: readonly number[];
  data: Float32Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array;
}

export interface GraphRunner {
  /**
   * @param outputs the ones that are wanted (default: all); the others are neither copied nor looked at
   * @throws SeedMaskError 'out-of-memory' or 'numeric' where the runtime says so.
   */
  run(feeds: Record<string, Tensor>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Opens graphs on one device. */
export interface GraphHost {
  /** Its name, where it is one of `DEVICES`. */
  readonly device?: string;
  /** `model` is the bytes of an ONNX file or its path. */
  open(model: Uint8Array | string): Promise<GraphRunner>;
}

/** The float data of output `name`. @throws if the graph has no such output or it holds no floats. */
export function floats(outputs: Record<string, Tensor>, name: string): { data: Float32Array; dims: readonly number[] } {
  const tensor = outputs[name];
  if (!tensor || !(tensor.data instanceof Float32Array)) throw new Error(`graph output '${name}' is missing or not float32`);
  return { data: tensor.data, dims: tensor.dims };
}
