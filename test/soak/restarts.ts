import type { Random } from "./random.ts";
import { VICTIMS, type Victim } from "./stack.ts";

/**
 * stop: asked to end, and what was answered is kept · kill: at any moment; what only the local queue held dies with it ·
 * kill-admitted: a moment after everything that was answered had reached the chain head, so that nothing may be missing.
 */
export type Restart =
  | { readonly how: "stop"; readonly signal: "SIGTERM" | "SIGINT" }
  | { readonly how: "kill" | "kill-admitted"; readonly victim: Victim; readonly afterMilliseconds: number };

export interface PlannedRestart {
  /** After so many orders. */
  readonly at: number;
  readonly restart: Restart;
  /** The next start is killed itself so many milliseconds after it was begun: it may have answered by then. */
  readonly startKilledAfter: number | undefined;
}

/** Every kind in turn, at moments that are spread over the run but decided by chance. */
export function planRestarts(random: Random, count: number, orders: number): readonly PlannedRestart[] {
  return Array.from({ length: count }, (_, i) => {
    const share = orders / (count + 1);
    return {
      at: Math.max(1, Math.floor(share * (i + 0.5 + random.next()))),
      restart: restart(random, i),
      startKilledAfter: random.chance(0.2) ? random.below(4_000) : undefined,
    };
  });
}

function restart(random: Random, i: number): Restart {
  const how = (["kill", "stop", "kill-admitted"] as const)[i % 3] ?? "kill";
  return how === "stop"
    ? { how, signal: random.pick(["SIGTERM", "SIGINT"]) }
    : { how, victim: random.pick(VICTIMS), afterMilliseconds: random.below(400) };
}
