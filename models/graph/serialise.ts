/**
 * The last step of every model we make: a plain description of a graph (names, shapes, bytes) written as an ONNX file,
 * opset 21, IR 10. Dimensions may be symbolic here (a string names one), which the converters of whole backbones need;
 * the graph builder only ever writes numbers.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType, AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema,
  TensorProtoSchema, ValueInfoProtoSchema,
  type AttributeProto, type TensorProto, type ValueInfoProto,
} from 'onnx-buf';
import { codeOfDType } from './dtypes';
import type { Attribute, Attributes, DType, TensorData } from './value';

export const OPSET = 21;
export const IR_VERSION = 10;

export interface NamedType {
  name: string;
  dtype: DType;
  dims: readonly (number | string)[];
}

export interface Initializer {
  name: string;
  dtype: DType;
  dims: readonly number[];
  data: TensorData;
}

export interface NodeDescription {
  op: string;
  /** '' stands for an optional input that is left out. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Attributes;
}

export interface GraphDescription {
  name: string;
  inputs: readonly NamedType[];
  outputs: readonly NamedType[];
  initializers: readonly Initializer[];
  nodes: readonly NodeDescription[];
  /** Kept in the file beside the graph; runtimes hand it out (`custom_metadata_map`). */
  metadata?: Readonly<Record<string, string>>;
}

/** The bytes of an ONNX model file. Nodes must be in an order in which each comes after those it reads from. */
export function serialise(graph: GraphDescription): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'seedmask',
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    metadataProps: Object.entries(graph.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(typeProto),
      output: graph.outputs.map(typeProto),
      initializer: graph.initializers.map(tensorProto),
      node: graph.nodes.map((node, i) =>
        create(NodeProtoSchema, {
          name: `${i}_${node.op}`,
          opType: node.op,
          input: [...node.inputs],
          output: [...node.outputs],
          attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
        }),
      ),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function typeProto({ name, dtype, dims }: NamedType): ValueInfoProto {
  const dim = dims.map(d =>
    typeof d === 'number' ? { value: { case: 'dimValue' as const, value: BigInt(d) } } : { value: { case: 'dimParam' as const, value: d } },
  );
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: { elemType: codeOfDType(dtype), shape: { dim } } } } });
}

function tensorProto({ name, dtype, dims, data }: Initializer): TensorProto {
  // The file is little-endian, as is every machine the runtime supports.
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: codeOfDType(dtype), rawData });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string') return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
