/**
 * A small assembler for WebAssembly with 128-bit SIMD: loops that JavaScript runs one float at a time run four at a time here.
 * Expressions are byte sequences that leave one value on the stack; functions below nest them, so that a kernel reads like
 * its formula. Only what the kernels of this room need exists. (WebAssembly Core 2.0, sections 5.4 and 5.5.)
 */

/** Instructions, as bytes. */
export type Code = readonly number[];

/** An `i32` or `v128` local of a function: get its value, set it, or set and keep the value. */
export interface Local {
  readonly get: Code;
  set(value: Code): Code;
  tee(value: Code): Code;
}

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const VOID = 0x40;

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x6a],
  load: (address: Code, offset = 0): Code => [...address, 0x28, 2, ...unsigned(offset)],
  less: (a: Code, b: Code): Code => [...a, ...b, 0x49],
};

export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, ...simd(0), 2, ...unsigned(offset)],
  /** One float, four times. */
  loadSplat: (address: Code, offset = 0): Code => [...address, ...simd(9), 2, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...simd(11), 2, ...unsigned(offset)],
  and: binary(78),
};

/** Four floats. Comparisons give a mask of all ones or zeros in each. */
export const f32x4 = {
  const: (value: number): Code => {
    const bytes = [...new Uint8Array(Float32Array.of(value).buffer)];
    return [...simd(12), ...bytes, ...bytes, ...bytes, ...bytes];
  },
  splat: (value: Code): Code => [...value, ...simd(19)],
  ge: binary(70),
  abs: unary(224),
  sqrt: unary(227),
  add: binary(228),
  sub: binary(229),
  mul: binary(230),
  div: binary(231),
  /** a < b ? b : a */
  max: binary(235),
};

/** Four 32-bit integers. */
export const i32x4 = {
  const: (value: number): Code => [...i32.const(value), ...simd(17)],
  add: binary(174),
  shiftLeft: (a: Code, by: number): Code => [...a, ...i32.const(by), ...simd(171)],
};

export function sequence(...parts: readonly Code[]): Code {
  return parts.flat();
}

/** Runs `body` with `counter` = from, from + step, … while counter < to (unsigned). At least once: the caller sees to it. */
export function repeat(counter: Local, from: Code, to: Code, step: number, body: Code): Code {
  const next = counter.tee(i32.add(counter.get, i32.const(step)));
  return [...counter.set(from), 0x03, VOID, ...body, ...i32.less(next, to), 0x0d, 0, 0x0b];
}

export interface WasmFunction {
  name: string;
  /** Types of the parameters; all functions return nothing. */
  parameters: readonly ('i32' | 'f32')[];
  body(parameters: readonly Local[], local: (type: 'i32' | 'v128') => Local): Code;
}

/** A module that imports one memory as `env.memory` and exports `functions`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const typeOf = { i32: I32, f32: F32, v128: V128 };
  const bodies = functions.map(({ parameters, body }) => {
    const declared: number[] = [];
    const code = body(
      parameters.map((_, index) => localAt(index)),
      type => localAt(parameters.length + declared.push(typeOf[type]) - 1),
    );
    const bytes = [...list(declared.map(type => [1, type])), ...code, 0x0b];
    return [...unsigned(bytes.length), ...bytes];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, functions.map(({ parameters }) => [0x60, ...list(parameters.map(type => [typeOf[type]])), 0])),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0]]),
    ...section(3, functions.map((_, index) => unsigned(index))),
    ...section(7, functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)])),
    ...section(10, bodies),
  ]);
}

function localAt(index: number): Local {
  const at = unsigned(index);
  return { get: [0x20, ...at], set: value => [...value, 0x21, ...at], tee: value => [...value, 0x22, ...at] };
}

function unary(opcode: number) {
  return (a: Code): Code => [...a, ...simd(opcode)];
}

function binary(opcode: number) {
  return (a: Code, b: Code): Code => [...a, ...b, ...simd(opcode)];
}

function simd(opcode: number): Code {
  return [0xfd, ...unsigned(opcode)];
}

function section(id: number, entries: readonly Code[]): Code {
  const content = list(entries);
  return [id, ...unsigned(content.length), ...content];
}

function list(entries: readonly Code[]): Code {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(value: string): Code {
  return list([...value].map(character => [character.charCodeAt(0)]));
}

/** LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return bytes;
}

function signed(value: number): Code {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(byte & 0x40)) || (value === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** What is used here of the global that every JavaScript engine has and the ES library's types leave out. */
declare global {
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { initial: number });
      readonly buffer: ArrayBuffer;
      /** By pages of 64 KiB. @throws RangeError when there is no room. */
      grow(pages: number): number;
    }
    class Module {
      constructor(bytes: Uint8Array<ArrayBuffer>);
    }
    class Instance {
      constructor(module: Module, imports: { env: { memory: Memory } });
      readonly exports: Record<string, unknown>;
    }
  }
}
