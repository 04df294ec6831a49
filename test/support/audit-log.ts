import type { AuditEnv, Deed, Outcome } from "../../shared/objects/audit-log.ts";
import type { AuditEntry, AuditHead } from "../../shared/chain/audit-chain.ts";
import { answered, asked } from "../../workers/audit-log/append.ts";
import { page, type PageRequest } from "../../workers/audit-log/reads.ts";
import { migrate } from "../../workers/audit-log/schema.ts";
import { memorySql } from "./sqlite.ts";

export const DONE: Outcome = { status: 200, problem: null, result: { blockNumber: 7 } };

export function deed(changes: Partial<Deed> = {}): Deed {
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
  failure: { readonly asked?: Error; readonly answered?: Error } = {};
  /** The method that the object never answers. */
  silent: "asked" | "answered" | undefined;

  constructor() {
    this.sql.transaction(() => migrate(this.sql));
  }

  asked(changes: Partial<Deed> = {}): AuditHead {
    return this.sql.transaction(() => asked(this.sql, deed(changes), this.now));
  }

  answered(sequence: number, outcome: Outcome = DONE): AuditHead {
    return this.sql.transaction(() => answered(this.sql, sequence, outcome, this.now));
  }

  page(request: Partial<PageRequest> = {}) {
    return page(this.sql, { from: undefined, limit: 1_000, newest: false, ...request });
  }

  entries(): AuditEntry[] {
    return this.page().entries;
  }

  /** Records an action that succeeds unless the test gives another outcome. */
  record(changes: Partial<Deed> = {}, outcome: Outcome = DONE): void {
    const { sequence } = this.asked(changes);
    this.now += 1_000;
    this.answered(sequence, outcome);
  }

  /** The binding by which a Worker calls the audit log. */
  get env(): AuditEnv {
    const forEver = new Promise<never>(() => {});
    const stub = {
      asked: async (given: Deed) => {
        if (this.silent === "asked") return forEver;
        if (this.failure.asked) throw this.failure.asked;
        return this.asked(given);
      },
      answered: async (sequence: number, outcome: Outcome) => {
        if (this.silent === "answered") return forEver;
        if (this.failure.answered) throw this.failure.answered;
        return this.answered(sequence, outcome);
      },
    };
    const AUDIT_LOG = { getByName: () => stub } as unknown as AuditEnv["AUDIT_LOG"];
    return { AUDIT_LOG, CHAIN_ID: "vdc-test" };
  }
}
