import type Router from "@koa/router";
import type { Clock } from "../actors/clock.ts";
import type { ReadModel } from "../actors/read-model.ts";
import type { Supervisor } from "../actors/supervisor.ts";
import type { JournalBreak, JournalStats } from "../drivers/journal/port.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { FailedTokens } from "./failed-tokens.ts";
import type { Traffic } from "./traffic.ts";
import type { Alarm, ViewOptions } from "./view-options.ts";

/** As pino has it: data in fields, then constant words. */
export interface HttpLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StopRequest {
  readonly drain: boolean;
  readonly reason: string;
}

export interface AppOptions {
  readonly version: string;
  readonly readModel: ReadModel;
  readonly submit: Supervisor["submit"];
  /** False while the journal has trouble: feeds wait then. */
  readonly accepting: () => boolean;
  /** False while the journal cannot be written at all: nothing can be changed then. */
  readonly writable: () => boolean;
  /** Empty: everything of management is closed. */
  readonly managementToken: string;
  /** Those configured now, by name. */
  readonly instanceTypes: () => Readonly<Record<string, InstanceType>>;
  readonly metricsText: () => Promise<string>;
  readonly metricsJson: () => Promise<string>;
  /** Why the service is unhealthy; undefined when it is not. */
  readonly health: () => Promise<string | undefined>;
  readonly journalStats: () => JournalStats;
  /** What the page's endpoints show. */
  readonly view: ViewOptions;
  /** The folder of the built page; undefined: there is no page. */
  readonly pageFolder?: string | undefined;
  readonly alarms: () => readonly Alarm[];
  /** Resolves once the stop is on its way: with `drain`, once that is durable. */
  readonly onStop: (request: StopRequest) => Promise<void>;
  /** Somebody takes note of what the journal lacks; resolves, once durable, with what had not been noted before. */
  readonly acceptJournal: (by: string, reason: string) => Promise<readonly JournalBreak[]>;
  /** Nothing may be changed over HTTP. */
  readonly readOnly: boolean;
  /** Of the embedded queue; it has tokens of its own. */
  readonly queueRoutes?: Router;
  /** Of the embedded queue; empty without it. */
  readonly queueTokens: readonly string[];
  /** Whether the embedded queue has given it to a runner. */
  readonly isRunnerToken?: (token: string) => boolean;
  /** By which the daemon knows its own requests; never told to anybody else. */
  readonly ownKey: string;
  /** Hosts by which browsers know this service, beside its addresses: `name` or `name:port`. */
  readonly hosts: readonly string[];
  readonly failedTokens: FailedTokens;
  readonly clock: Clock;
  readonly makeRequestId: () => string;
  /** 0: none. */
  readonly requestTimeoutMs: number;
  readonly traffic: Traffic;
  readonly log: HttpLog;
}
