import type { NodeStore } from "../../../shared/chain/history.ts";
import { fromHex, hex } from "../../../shared/crypto/bytes.ts";
import type { Sql } from "./schema.ts";

/** Stores the nodes of the history tree as rows. */
export function historyNodes(sql: Sql): NodeStore {
  return {
    get(level, index) {
      const [row] = sql
        .exec<{ hash: string }>(
          "SELECT hash FROM history_node WHERE level = ? AND position = ?",
          level,
          index,
        )
        .toArray();
      if (row === undefined) throw new Error(`history node ${level}/${index} is not stored`);
      return fromHex(row.hash);
    },
    set(level, index, hash) {
      sql.exec(
        "INSERT OR REPLACE INTO history_node (level, position, hash) VALUES (?, ?, ?)",
        level,
        index,
        hex(hash),
      );
    },
  };
}
