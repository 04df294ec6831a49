import { hashesAt, TILE_WIDTH, widthAt, type Tile } from "../../../shared/tlog/tiles.ts";
import type { LogName } from "../../checkpointer/log-head/cosignatures.ts";

/** The part of a log that a run verifies. */
export interface LogExtent {
  /** Number of entries at the checkpoint. */
  readonly size: number;
  /** The entries whose tiles are verified: `first` to `end` − 1. */
  readonly first: number;
  readonly end: number;
  /** The checkpoint, with the log's own signatures. */
  readonly note: string;
}

/** The run's part of both logs. It is fixed when the run reaches them, because the logs grow meanwhile. */
export interface LogPlan {
  /** The tiles above level 0 are verified too. A rolling run leaves them out: their number grows with the chain. */
  readonly isWhole: boolean;
  readonly logs: Readonly<Record<LogName, LogExtent>>;
}

/** A tile (at level 0 of the log of transactions with its entry bundle), or the checkpoint of a log. */
export type LogPart =
  | { readonly kind: "tile"; readonly log: LogName; readonly tile: Tile }
  | { readonly kind: "checkpoint"; readonly log: LogName };

const LOGS = ["blocks", "transactions"] as const;

/** Number of parts. Without a checkpoint there are none. */
export function partCount(plan: LogPlan | null): number {
  if (plan === null) return 0;
  return rowsOf(plan).reduce((sum, { count }) => sum + count, 0) + LOGS.length;
}

/** The part at this place. A tile comes after the tiles below it, and the checkpoints come last. */
export function partAt(plan: LogPlan, place: number): LogPart {
  let rest = place;
  for (const { log, level, first, count } of rowsOf(plan)) {
    const index = first + rest;
    if (rest < count)
      return {
        kind: "tile",
        log,
        tile: { level, index, width: widthAt(level, index, plan.logs[log].size) },
      };
    rest -= count;
  }
  const log = LOGS[rest];
  if (log === undefined) throw new RangeError(`the logs have no part ${place}`);
  return { kind: "checkpoint", log };
}

/** The tiles of a level that are verified. */
interface Row {
  readonly log: LogName;
  readonly level: number;
  readonly first: number;
  readonly count: number;
}

function rowsOf({ isWhole, logs }: LogPlan): Row[] {
  return LOGS.flatMap((log) => {
    const { size, first, end } = logs[log];
    const firstTile = Math.floor(first / TILE_WIDTH);
    const count = first < end ? Math.ceil(end / TILE_WIDTH) - firstTile : 0;
    const rows: Row[] = [{ log, level: 0, first: firstTile, count }];
    if (!isWhole) return rows;
    for (let level = 1; hashesAt(level, size) > 0; level++)
      rows.push({ log, level, first: 0, count: Math.ceil(hashesAt(level, size) / TILE_WIDTH) });
    return rows;
  });
}
