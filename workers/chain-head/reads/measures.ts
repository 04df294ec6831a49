import type { Histogram } from "../../../shared/runtime/histogram.ts";
import { getValue } from "../storage/key-values.ts";
import { latencies, type Milestone } from "./latency.ts";
import { refusals } from "../decisions/refused.ts";
import type { Sql } from "../storage/schema.ts";

/** State of the chain that only the metrics read, at a cost that does not grow with the chain. */
export interface Measures {
  /** Seconds from a payment to each milestone. */
  readonly latencies: Readonly<Record<Milestone, Histogram>>;
  /** How often the watchdog enqueued a stage again for a block that had not moved. */
  readonly stalls: Readonly<Record<string, number>>;
  /** Number of submissions of users that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Number of blocks whose CID does not begin with Qm. Above 0, some code accepted a CID that is not ours. */
  readonly foreignCids: number;
}

export function measures(sql: Sql): Measures {
  const [row] = sql
    .exec<{ count: number }>("SELECT count(*) AS count FROM block WHERE substr(ipfs_hash, 1, 2) <> 'Qm'")
    .toArray();
  return {
    latencies: latencies(sql),
    stalls: getValue(sql, "stalls") ?? {},
    refused: refusals(sql),
    foreignCids: row?.count ?? 0,
  };
}
