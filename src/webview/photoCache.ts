/**
 * A few things kept by number until together they weigh too much: the one used longest ago goes first, the newest always stays. What goes is handed to `drop`.
 */
export class WeighedCache<T> {
  private readonly kept = new Map<number, { value: T; bytes: number }>();
  private total = 0;

  constructor(
    private readonly limit: number,
    private readonly drop: (value: T) => void,
  ) {}

  get bytes(): number {
    return this.total;
  }

  get(key: number): T | undefined {
    const found = this.kept.get(key);
    if (!found) return undefined;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.value;
  }

  /** Without counting as a use. */
  peek(key: number): T | undefined {
    return this.kept.get(key)?.value;
  }

  set(key: number, value: T, bytes: number): void {
    this.delete(key);
    this.kept.set(key, { value, bytes });
    this.total += bytes;
    for (const oldest of this.kept.keys()) {
      if (this.total <= this.limit || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: number): void {
    const found = this.kept.get(key);
    if (!found) return;
    this.kept.delete(key);
    this.total -= found.bytes;
    this.drop(found.value);
  }

  clear(): void {
    for (const key of [...this.kept.keys()]) this.delete(key);
  }
}
