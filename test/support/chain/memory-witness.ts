import { generateSeedPair } from "../../../shared/tlog/seed-pair.ts";
import { parseFollowedLogs } from "../../../shared/witness/followed-logs.ts";
import { loadCosigners } from "../../../shared/witness/keyring.ts";
import { advance, keepNote, lastNote, migrate } from "../../../shared/witness/state.ts";
import type { Witness } from "../../../shared/witness/witness.ts";
import { memorySql, type MemorySql } from "../stack/sqlite.ts";

export const WITNESS_NAME = "witness.example/one";
export const WITNESS_TIME = 1_790_000_000;

/** A witness whose state is in memory. Its statements are checked to be bounded. */
export async function memoryWitness(
  vkeys: readonly string[],
): Promise<Witness & { readonly sql: MemorySql }> {
  const sql = memorySql();
  migrate(sql);
  return {
    sql,
    logs: parseFollowedLogs(vkeys.join("\n")),
    cosigners: await loadCosigners(WITNESS_NAME, generateSeedPair()),
    state: {
      advance: async (origin, signed) => sql.transaction(() => advance(sql, origin, signed)),
      keepNote: async (origin, size, note) => keepNote(sql, origin, size, note),
      lastNote: async (origin) => lastNote(sql, origin),
    },
    now: () => WITNESS_TIME,
  };
}
