import * as v from "valibot";

export const PinningRouteName = v.picklist([
  "upload",
  "list",
  "get",
  "delete",
  "pin_by_cid",
  "auth",
  "gateway",
]);
export type PinningRouteName = v.InferOutput<typeof PinningRouteName>;

/** Number of requests that the fault hits before it ends; without it, every request. */
const times = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
/** The requests that the fault hits: one route, `api` (all but the gateway), or `all`. */
const on = v.optional(v.picklist([...PinningRouteName.options, "api", "all"]));
/** The CID of the only file that the fault hits, spelled as in the gateway's URL. */
const cid = v.optional(v.string());
const status = v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599));
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Fault = v.variant("kind", [
  /** Answers any status, also `200` with HTML. Stores nothing. */
  v.strictObject({ kind: v.literal("fail"), status, html: v.optional(v.boolean()), on, times }),
  /** Answers as if the token had been revoked. Hits `api` by default. */
  v.strictObject({ kind: v.literal("unauthorized"), on, times }),
  /** Refuses, and quotes the request's headers with the token, as a proxy may do. Hits `api` by default. */
  v.strictObject({ kind: v.literal("quoting"), on, times }),
  /** Answers 429 with `Retry-After`. Hits `api` by default. */
  v.strictObject({ kind: v.literal("rate_limit"), retryAfterSeconds: seconds, on, times }),
  /** Holds the request until the faults are cleared, then serves it, however late. */
  v.strictObject({ kind: v.literal("stall"), on, times }),
  /** Stores the upload, and answers with a valid CID of another file. */
  v.strictObject({ kind: v.literal("wrong_cid"), times }),
  /** Stores the upload, and answers 500. */
  v.strictObject({ kind: v.literal("stored_but_errored"), times }),
  /** Answers the upload as a success, and stores nothing. */
  v.strictObject({ kind: v.literal("lost"), times }),
  /** The file is listed as pinned, but the gateway does not find it. */
  v.strictObject({ kind: v.literal("gateway_missing"), cid, times }),
  /** The gateway serves other bytes of the same length. */
  v.strictObject({ kind: v.literal("gateway_altered"), cid, times }),
]);
export type Fault = v.InferOutput<typeof Fault>;

/** The default requests of each fault. */
const HITS: Record<Fault["kind"], PinningRouteName | "api" | "all"> = {
  fail: "all",
  unauthorized: "api",
  quoting: "api",
  rate_limit: "api",
  stall: "all",
  wrong_cid: "upload",
  stored_but_errored: "upload",
  lost: "upload",
  gateway_missing: "gateway",
  gateway_altered: "gateway",
};

export interface FaultReport {
  /** The active faults, in the order in which they are tried; `times` counts down. */
  faults: Fault[];
  /** Number of requests since the start, by route. */
  requests: Record<PinningRouteName, number>;
  /** Number of requests that a `stall` holds at this moment. */
  stalled: number;
}

export class FaultSwitch {
  #faults: Fault[] = [];
  #closed = false;
  readonly #stalled = new Set<PromiseWithResolvers<void>>();
  readonly #requests = Object.fromEntries(PinningRouteName.options.map((name) => [name, 0])) as Record<
    PinningRouteName,
    number
  >;

  set(fault: Fault): void {
    this.#faults.push(v.parse(Fault, fault));
  }

  clear(): void {
    this.#faults = [];
    for (const held of this.#stalled) held.resolve();
    this.#stalled.clear();
  }

  count(route: PinningRouteName): void {
    this.#requests[route] += 1;
  }

  /** Finds the fault that hits this request, and counts it as used once. */
  take(route: PinningRouteName, param: string): Fault | undefined {
    const index = this.#faults.findIndex((fault) => hits(fault, route, param));
    const fault = this.#faults[index];
    if (fault?.times === undefined) return fault;
    if (fault.times === 1) this.#faults.splice(index, 1);
    else this.#faults[index] = { ...fault, times: fault.times - 1 };
    return fault;
  }

  /** Resolves when the faults are cleared; rejects when the service is closed, now or later. */
  stall(): Promise<void> {
    const held = Promise.withResolvers<void>();
    if (this.#closed) held.reject(new Error("the pinning service is closed"));
    else this.#stalled.add(held);
    return held.promise;
  }

  report(): FaultReport {
    return { faults: [...this.#faults], requests: { ...this.#requests }, stalled: this.#stalled.size };
  }

  close(): void {
    this.#closed = true;
    for (const held of this.#stalled) held.reject(new Error("the pinning service is closed"));
    this.#stalled.clear();
  }
}

function hits(fault: Fault, route: PinningRouteName, param: string): boolean {
  if ("cid" in fault && fault.cid !== undefined && fault.cid !== param) return false;
  const on = ("on" in fault ? fault.on : undefined) ?? HITS[fault.kind];
  return on === "all" || on === route || (on === "api" && route !== "gateway");
}
