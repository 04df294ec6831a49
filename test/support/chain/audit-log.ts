import type { ActionOutcome, AuditedAction, AuditEnv } from "../../../shared/objects/audit-log.ts";
import type { AuditEntry, AuditHead } from "../../../shared/chain/audit-chain.ts";
import { finished, started } from "../../../workers/audit-log/append.ts";
import { page, type PageRequest } from "../../../workers/audit-log/reads.ts";
import { migrate } from "../../../workers/audit-log/schema.ts";
import { memorySql } from "../stack/sqlite.ts";

export const DONE: ActionOutcome = { status: 200, problem: null, result: { blockNumber: 7 } };

export function auditedAction(changes: Partial<AuditedAction> = {}): AuditedAction {
  return {
    operator: { name: "ann@vdc.example", by: "access" },
    action: "POST /api/vdc/mine",
    target: "/api/vdc/mine?wait=30",
    reason: "month end",
    requestId: "request-1",
    ...changes,
  };
}

/** The audit log's decisions over a database in memory. The test sets the time. */
export class TestAuditLog {
  readonly sql = memorySql();
  /** Milliseconds since the epoch. */
  now = 1_800_000_000_000;
  /** Errors that the object throws instead of an answer. */
  failure: { readonly started?: Error; readonly finished?: Error } = {};
  /** The method that the object never answers. */
  silent: "started" | "finished" | undefined;

  constructor() {
    this.sql.transaction(() => migrate(this.sql));
  }

  started(changes: Partial<AuditedAction> = {}): AuditHead {
    return this.sql.transaction(() => started(this.sql, auditedAction(changes), this.now));
  }

  finished(sequence: number, outcome: ActionOutcome = DONE): AuditHead {
    return this.sql.transaction(() => finished(this.sql, sequence, outcome, this.now));
  }

  page(request: Partial<PageRequest> = {}) {
    return page(this.sql, { from: undefined, limit: 1_000, newest: false, ...request });
  }

  entries(): AuditEntry[] {
    return this.page().entries;
  }

  /** Records an action that succeeds unless the test gives another outcome. */
  record(changes: Partial<AuditedAction> = {}, outcome: ActionOutcome = DONE): void {
    const { sequence } = this.started(changes);
    this.now += 1_000;
    this.finished(sequence, outcome);
  }

  /** The binding by which a Worker calls the audit log. */
  get env(): AuditEnv {
    const forEver = new Promise<never>(() => {});
    const stub = {
      started: async (given: AuditedAction) => {
        if (this.silent === "started") return forEver;
        if (this.failure.started) throw this.failure.started;
        return this.started(given);
      },
      finished: async (sequence: number, outcome: ActionOutcome) => {
        if (this.silent === "finished") return forEver;
        if (this.failure.finished) throw this.failure.finished;
        return this.finished(sequence, outcome);
      },
    };
    const AUDIT_LOG = { getByName: () => stub } as unknown as AuditEnv["AUDIT_LOG"];
    return { AUDIT_LOG, CHAIN_ID: "vdc-test" };
  }
}
