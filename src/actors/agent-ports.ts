import type { Duplex } from "node:stream";

/** What agent and dispatcher say to each other, and where a runner's calls go. */
export interface AgentPorts {
  /** What the agent reads at its start; holds its secret. */
  readonly startInput: (instanceId: string, runnerSum: string) => string;
  /** Each proves to the other who it is. Returns what is wrong, or undefined. */
  readonly present: (stream: Duplex, peer: AgentPeer) => Promise<string | undefined>;
  /** Resolves once a runner's call begins on the stream; false where the stream ended before. */
  readonly begun: (stream: Duplex) => Promise<boolean>;
  /** Answers that call. */
  readonly serve: (stream: Duplex, instanceId: string) => void;
  readonly makeSession: () => string;
}

export interface AgentPeer {
  readonly instanceId: string;
  readonly runnerSum: string;
  readonly session: string;
}

/** `unusable`: runners there call the address in their config, until an agent is ready after all. */
export type AgentEvent =
  { readonly state: "ready" } | { readonly state: "lost" | "unusable"; readonly error: string };
