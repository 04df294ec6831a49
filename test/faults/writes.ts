import type { Attempt } from "./fault.ts";

/** Returns the name of a write: its actor and its operation, with a pattern in place of its key. */
export function nameOf({ actor, does: doing, target }: Attempt): string {
  const does = doing.replace(/^ack of .*-dlq$/, "ack of {stage}-dlq");
  const patterns = [...new Set(target.split(" ").map(patternOf))].toSorted();
  return `${actor}: ${[does, ...patterns].join(" ").trim()}`;
}

function patternOf(key: string): string {
  return key
    .replace(/vdc_tx_[0-9a-f]{40}/, "{txId}")
    .replace(/\b[0-9a-f]{64}\b/g, "{sha256}")
    .replace(/\b[0-9a-f]{32}\b/, "{id}")
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "{id}")
    .replace(/^dead-letters\/[^/]+/, "dead-letters/{stage}")
    .replace(/^log\/timestamps\/.*/, "log/timestamps/{authority}/{n}.tsr")
    .replace(/^((?:evidence\/)?log\/(?:tx\/)?tile)\/.*/, "$1/{tile}")
    .replace(/^vdc:doc:.*/, "vdc:doc:{sha256}:{n}:{index}")
    .replace(/^asset:.*/, "asset:{assetId}")
    .replace(/\b\d+\b/, "{n}");
}

/** Calls that change nothing. The list is closed: any other call is a write. */
const READS: Readonly<Record<string, readonly string[]>> = {
  "chain-head": [
    "assets",
    "blocksOfEntries",
    "logBlocks",
    "backlogs",
    "block",
    "blockPage",
    "blockWithTransactions",
    "erasedAmong",
    "sweepPlaces",
    "databaseBytes",
    "failures",
    "head",
    "ledger",
    "measures",
    "minedAmong",
    "openableKeys",
    "outlook",
    "paidIntents",
    "pendingPage",
    "publishedBlocks",
    "knownStates",
    "status",
    "transaction",
    "whereIs",
  ],
  "dead-letters": [
    "counts",
    "databaseBytes",
    "entry",
    "letters",
    "list",
    "plan",
    "planDismissal",
    "recoveries",
    "replay",
    "replays",
  ],
  monitor: ["alertStates", "counters", "databaseBytes", "status"],
  "document-index": ["after", "databaseBytes", "find", "page", "totals"],
  "storage-runs": [
    "databaseBytes",
    "documentsAfter",
    "logPlan",
    "find",
    "findWithResults",
    "list",
    "summary",
    "failingBlocksIn",
  ],
  "audit-log": ["databaseBytes", "page"],
  "storage-verifier": [
    "backlog",
    "databaseBytes",
    "documentIndexBytes",
    "documents",
    "documentTotals",
    "findDocument",
    "run",
    "runs",
    "status",
    "summary",
  ],
  "log-head": ["databaseBytes", "facts", "keysToEndorse"],
  accounts: ["ready"],
};

export const READ_CALLS: readonly string[] = Object.entries(READS).flatMap(([callee, methods]) =>
  methods.map((method) => `${callee}.${method}`),
);

/** @param name of a write or a call */
export function isRead(name: string): boolean {
  return READ_CALLS.includes(name.slice(name.indexOf(": ") + 2));
}
