/**
 * What really ran where, read from the profile ONNX Runtime writes (Chrome trace events): each event of category 'Node' names the provider
 * that computed the node. Asking a session which provider it uses would only repeat what was asked for.
 */
import * as v from 'valibot';

export interface ProviderShare {
  /** 'CPUExecutionProvider', 'WebGpuExecutionProvider', … */
  provider: string;
  nodes: number;
  milliseconds: number;
}

const eventsSchema = v.array(
  v.looseObject({ cat: v.optional(v.string()), name: v.optional(v.string()), dur: v.optional(v.number()), args: v.optional(v.looseObject({ provider: v.optional(v.string()) })) }),
);

/** Nodes and time by provider, most nodes first. @throws if the text is not such a profile. */
export function readProfile(text: string): ProviderShare[] {
  const shares = new Map<string, ProviderShare>();
  for (const { cat, name, dur, args } of v.parse(eventsSchema, JSON.parse(text))) {
    if (cat !== 'Node' || !args?.provider || !name?.endsWith('_kernel_time')) continue;
    const share = shares.get(args.provider) ?? { provider: args.provider, nodes: 0, milliseconds: 0 };
    share.nodes++;
    share.milliseconds += (dur ?? 0) / 1000;
    shares.set(args.provider, share);
  }
  return [...shares.values()].sort((a, b) => b.nodes - a.nodes);
}

/** Part of all nodes that did not run on the CPU, 0..1. */
export function shareOffCpu(shares: readonly ProviderShare[]): number {
  const total = shares.reduce((sum, share) => sum + share.nodes, 0);
  const cpu = shares.find(share => share.provider === 'CPUExecutionProvider')?.nodes ?? 0;
  return total === 0 ? 0 : 1 - cpu / total;
}
