/**
 * What an ONNX file asks for, read from its bytes without any runtime: inputs, outputs, operator domains and references to other
 * files. A model is a program from somewhere; this is the look through its pockets before it is let in. Graphs inside graphs
 * (If, Loop, Scan), functions and training graphs are looked through as well.
 */
import { fromBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema, TensorProto_DataLocation as Location, TensorProto_DataType as DataType,
  type AttributeProto, type GraphProto, type ModelProto, type NodeProto, type TensorProto, type ValueInfoProto,
} from 'onnx-buf';
import { SeedMaskError } from '../src/shared/errors';

export interface TensorSummary {
  name: string;
  /** 'float32', 'float16', … ; 'not a tensor' for sequences and maps. */
  dtype: string;
  /** Numbers are fixed, strings name free dimensions, null is unknown; undefined: not even the rank is known. */
  dims?: (number | string | null)[];
}

export interface ModelInspection {
  /** Without those that have a value in the file. */
  inputs: TensorSummary[];
  outputs: TensorSummary[];
  opset: number;
  irVersion: number;
  /** Domains of operators, '' being ONNX's own. */
  domains: string[];
  /** Places outside the file where it keeps tensors. */
  externalData: string[];
}

/** Domains whose operators come with the runtime. */
const KNOWN_DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']);

/** @throws SeedMaskError 'bad-model' if the bytes are no ONNX model. */
export function inspectModel(bytes: Uint8Array, file?: string): ModelInspection {
  const model = parse(bytes, file);
  const { graph } = model;
  if (!graph || !graph.output.length) throw new SeedMaskError('bad-model', 'not an ONNX model: it has no graph with outputs', file);
  const search = new Search();
  search.model(model);
  const given = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !given.has(name)).map(summary),
    outputs: graph.output.map(summary),
    opset: Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n),
    irVersion: Number(model.irVersion),
    domains: [...search.domains].sort(),
    externalData: [...search.externalData].sort(),
  };
}

/** Why a model must not be loaded whatever it computes; empty if it may. */
export function refusals({ domains, externalData }: ModelInspection): string[] {
  const custom = domains.filter(domain => !KNOWN_DOMAINS.has(domain));
  return [
    ...custom.map(domain => `it needs custom operators ('${domain}'), which are never loaded`),
    ...externalData.map(location => `it keeps tensors outside the file ('${location}'): convert it to a single file`),
  ];
}

function parse(bytes: Uint8Array, file: string | undefined): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new SeedMaskError('bad-model', 'not an ONNX model, or a truncated one', file, { cause });
  }
}

const DTYPE_NAMES: Partial<Record<DataType, string>> = { [DataType.FLOAT]: 'float32', [DataType.DOUBLE]: 'float64' };

function summary({ name, type }: ValueInfoProto): TensorSummary {
  if (type?.value.case !== 'tensorType') return { name, dtype: 'not a tensor' };
  const { elemType, shape } = type.value.value;
  const dtype = DTYPE_NAMES[elemType as DataType] ?? (DataType[elemType] ?? `type ${elemType}`).toLowerCase();
  const dims = shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : value.case === 'dimParam' ? value.value : null));
  return { name, dtype, dims };
}

/** Walks everything a model holds. */
class Search {
  readonly domains = new Set<string>();
  readonly externalData = new Set<string>();

  model(model: ModelProto): void {
    const training = model.trainingInfo.flatMap(({ initialization, algorithm }) => [initialization, algorithm]);
    for (const graph of [model.graph, ...training]) if (graph) this.graph(graph);
    for (const { node, attributeProto } of model.functions) {
      this.nodes(node);
      this.attributes(attributeProto);
    }
  }

  private graph({ node, initializer, sparseInitializer }: GraphProto): void {
    this.nodes(node);
    this.tensors([...initializer, ...sparseInitializer.flatMap(({ values, indices }) => [values, indices])]);
  }

  private nodes(nodes: readonly NodeProto[]): void {
    for (const { domain, attribute } of nodes) {
      this.domains.add(domain);
      this.attributes(attribute);
    }
  }

  private attributes(attributes: readonly AttributeProto[]): void {
    for (const { t, tensors, g, graphs, sparseTensor, sparseTensors } of attributes) {
      const sparse = [sparseTensor, ...sparseTensors].flatMap(tensor => [tensor?.values, tensor?.indices]);
      this.tensors([t, ...tensors, ...sparse]);
      for (const graph of [g, ...graphs]) if (graph) this.graph(graph);
    }
  }

  private tensors(tensors: readonly (TensorProto | undefined)[]): void {
    for (const tensor of tensors) {
      if (!tensor || (tensor.dataLocation !== Location.EXTERNAL && !tensor.externalData.length)) continue;
      this.externalData.add(tensor.externalData.find(({ key }) => key === 'location')?.value ?? tensor.name);
    }
  }
}
