/**
 * A program that is asked by a line of JSON and answers by one: how benches talk to PyTorch's side, and to our own where it must be a process of its own.
 */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export type Answer = Record<string, unknown>;

export class LineProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;

  constructor(command: string, private readonly parameters: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line it says. @throws where it ended instead. */
  async answer(): Promise<Answer> {
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`${this.parameters[0]} ended: its message is above`);
    return JSON.parse(value) as Answer;
  }

  ask(command: string, given: Answer = {}): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify({ [command]: given })}\n`);
    return this.answer();
  }

  stop(): void {
    this.child.kill();
  }
}

/** An interpreter with PyTorch: the one that PYTHON names, else Debian's, else the first on the path. */
export function findPython(): string | undefined {
  const candidates = process.env.PYTHON ? [process.env.PYTHON] : ['/usr/bin/python3', 'python3'];
  return candidates.find(python => spawnSync(python, ['-c', 'import torch, numpy']).status === 0);
}
