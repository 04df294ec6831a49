import type { LogEndorsement } from "../../../shared/tlog/endorsement.ts";
import { commit, shown } from "../../../workers/checkpointer/log-head/commit.ts";
import {
  addCosignatures,
  beginRound,
  witnessStates,
  type Cosigned,
} from "../../../workers/checkpointer/log-head/cosignatures.ts";
import { stamped, stamps, type Stamp } from "../../../workers/checkpointer/log-head/stamps.ts";
import {
  endorsed,
  endorsements,
  keysToEndorse,
  registerKeys,
  type LogKeySet,
} from "../../../workers/checkpointer/log-head/keys.ts";
import { getValue, migrate, type CheckpointPair } from "../../../workers/checkpointer/log-head/schema.ts";
import { memorySql, type MemorySql } from "../stack/sqlite.ts";

/** The decisions of the log head on SQLite in memory. */
export class TestLogHead {
  readonly sql: MemorySql = memorySql();

  constructor() {
    this.sql.transaction(() => migrate(this.sql));
  }

  registerKeys = (keys: LogKeySet) => this.sql.transaction(() => registerKeys(this.sql, keys));
  keysToEndorse = () => keysToEndorse(this.sql);
  endorsed = (endorsement: LogEndorsement) => this.sql.transaction(() => endorsed(this.sql, endorsement));
  commit = (pair: CheckpointPair) => this.sql.transaction(() => commit(this.sql, pair));
  shown = (size: number) => this.sql.transaction(() => shown(this.sql, size));
  facts = () => ({
    endorsements: endorsements(this.sql),
    committed: getValue(this.sql, "committed") ?? null,
    shown: getValue(this.sql, "shown") ?? null,
    cosigned: getValue(this.sql, "cosigned") ?? null,
    policy: getValue(this.sql, "policy") ?? null,
    witnesses: witnessStates(this.sql),
    stamps: stamps(this.sql),
  });
  beginRound = (policy: string, pauseMs: number, now: number) =>
    this.sql.transaction(() => beginRound(this.sql, policy, pauseMs, now));
  addCosignatures = (cosigned: Cosigned) => this.sql.transaction(() => addCosignatures(this.sql, cosigned));
  stamped = (stamp: Stamp) => this.sql.transaction(() => stamped(this.sql, stamp));
}
