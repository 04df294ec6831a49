import type { Random } from "./random.ts";
import { VICTIMS, type Victim } from "./stack.ts";

/**
 * `stop` asks the stack to end; everything that was answered is kept. `kill` comes at any moment; messages in the local
 * queue are lost. `kill-admitted` comes a moment after the chain head has everything that was answered, so nothing may
 * be lost.
 */
export type Restart =
  | { readonly how: "stop"; readonly signal: "SIGTERM" | "SIGINT" }
  | { readonly how: "kill" | "kill-admitted"; readonly victim: Victim; readonly afterMilliseconds: number };

export interface PlannedRestart {
  /** The number of orders after which the restart happens. */
  readonly at: number;
  readonly restart: Restart;
  /** Milliseconds after which the next start is killed too. It may have answered requests by then. */
  readonly startKilledAfter: number | undefined;
}

/** Plans restarts of every kind in turn, at random moments spread over the run. */
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
