/**
 * Reading FlatBuffers: tables whose fields are found through a vtable, vectors with a length in front, little-endian
 * throughout (FlatBuffers, "Internals"). Only what a TFLite file needs. Positions are byte offsets into the file.
 */

export interface Vector {
  /** Position of the first element. */
  start: number;
  length: number;
}

export class FlatBuffer {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Position of the root table. */
  root(): number {
    return this.follow(0);
  }

  int(table: number, field: number, fallback = 0): number {
    const at = this.find(table, field);
    return at ? this.view.getInt32(at, true) : fallback;
  }

  byte(table: number, field: number, fallback = 0): number {
    const at = this.find(table, field);
    return at ? this.view.getInt8(at) : fallback;
  }

  /** Position of the table in `field`, if there is one. */
  table(table: number, field: number): number | undefined {
    const at = this.find(table, field);
    return at ? this.follow(at) : undefined;
  }

  vector(table: number, field: number): Vector {
    const at = this.table(table, field);
    return at === undefined ? { start: 0, length: 0 } : { start: at + 4, length: this.view.getUint32(at, true) };
  }

  tables(table: number, field: number): number[] {
    return this.elements(table, field, 4, at => this.follow(at));
  }

  ints(table: number, field: number): number[] {
    return this.elements(table, field, 4, at => this.view.getInt32(at, true));
  }

  longs(table: number, field: number): number[] {
    return this.elements(table, field, 8, at => Number(this.view.getBigInt64(at, true)));
  }

  floats(table: number, field: number): number[] {
    return this.elements(table, field, 4, at => this.view.getFloat32(at, true));
  }

  string(table: number, field: number): string {
    return new TextDecoder().decode(this.data(table, field));
  }

  /** The bytes of a vector of bytes, as a view. */
  data(table: number, field: number): Uint8Array {
    const { start, length } = this.vector(table, field);
    return this.bytes.subarray(start, start + length);
  }

  private elements<T>(table: number, field: number, size: number, read: (at: number) => T): T[] {
    const { start, length } = this.vector(table, field);
    return Array.from({ length }, (_, i) => read(start + size * i));
  }

  /** Position of a field of a table; 0 where it has its default. */
  private find(table: number, field: number): number {
    const vtable = table - this.view.getInt32(table, true);
    const entry = 4 + 2 * field;
    if (entry >= this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset ? table + offset : 0;
  }

  private follow(at: number): number {
    return at + this.view.getUint32(at, true);
  }
}
