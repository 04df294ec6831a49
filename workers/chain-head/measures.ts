import type { Histogram } from "../../shared/histogram.ts";
import { readFact } from "./facts.ts";
import { latencies, type Milestone } from "./latency.ts";
import { refusals } from "./refused.ts";
import type { Sql } from "./schema.ts";

/** What only the metrics need to know of the chain, at a cost that does not grow with it. */
export interface Measures {
  /** Seconds from a payment to each milestone. */
  readonly latencies: Readonly<Record<Milestone, Histogram>>;
  /** How often the watchdog told a stage again of a block that had not moved. */
  readonly stalls: Readonly<Record<string, number>>;
  /** Submissions of users that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Blocks whose CID does not begin with Qm: none, unless something accepted a CID that is none of ours. */
  readonly foreignCids: number;
}

export function measures(sql: Sql): Measures {
  const [row] = sql
    .exec<{ count: number }>("SELECT count(*) AS count FROM block WHERE substr(ipfs_hash, 1, 2) <> 'Qm'")
    .toArray();
  return {
    latencies: latencies(sql),
    stalls: readFact(sql, "stalls") ?? {},
    refused: refusals(sql),
    foreignCids: row?.count ?? 0,
  };
}
