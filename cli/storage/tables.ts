import { facts, table, type Cell, type Fact } from "../output/table.ts";
import { duration, mark, time } from "../output/words.ts";
import type {
  BlockReport,
  DocumentReport,
  StorageRun,
  TierReport,
  VerifyAllResult,
} from "../../shared/api/storage-report.ts";

export function blockReportText(report: BlockReport): string {
  const { blockNumber, status, message, source, index, privateParts, rehydrated } = report;
  const tiers = (["kv", "r2", "ipfs"] as const).map((tier) => {
    const { present, fault, detail, hash } = report[tier];
    return [tier, mark(present && fault === undefined), fault, hash, detail];
  });
  const restored = Object.entries(rehydrated)
    .map(([part, fault]) => `${part} (was ${fault})`)
    .join(", ");
  return [
    facts([
      ["block", blockNumber],
      ["status", status],
      ["message", message],
      ["read from", source],
      ["restored", restored],
      ["index", index.complete ? "complete" : missingText(index.missing, "keys are missing or wrong")],
      [
        "private parts",
        privateParts.complete ? "complete" : missingText(privateParts.missing, "are missing"),
      ],
    ]),
    "",
    table(["tier", "", "fault", "hash", "detail"], tiers),
  ].join("\n");
}

function missingText(missing: number | null, what: string): string {
  return missing === null ? "not known" : `${missing} ${what}`;
}

export function resultRows(result: VerifyAllResult): Fact[] {
  return [
    ["blocks", result.totalBlocks],
    ["sound", result.verified],
    ["rehydrated", result.rehydrated],
    ["partial", result.partial],
    ["failed", result.failed],
    ["not to be trusted", result.untrusted],
    ["log objects checked", result.log.checked],
    ["log objects restored", result.log.restored],
    ["log objects failed", result.log.failed],
    ...documentRows(result.documents),
    ["took", duration(result.duration)],
  ];
}

function documentRows({
  next,
  total,
  verified,
  rehydrated,
  partial,
  failed,
}: VerifyAllResult["documents"]): Fact[] {
  return [
    ["documents", next < total ? `${next} of ${total}` : next],
    ["documents sound", verified],
    ["documents rehydrated", rehydrated],
    ["documents partial", partial],
    ["documents failed", failed],
  ];
}

/** A table of the documents with another status than ok. */
export function documentTable(results: readonly DocumentReport[]): string[] {
  const shown = results.filter(({ status }) => status !== "ok");
  if (shown.length === 0) return [];
  const rows = shown.map(({ documentId, status, r2, ipfs, message }) => [
    documentId,
    status,
    ...[r2, ipfs].map(tierCell),
    message,
  ]);
  return ["", table(["document", "status", "r2", "ipfs", "message"], rows)];
}

export function documentReportText(report: DocumentReport): string {
  const { documentId, documentCid, status, message, source } = report;
  return [
    facts([
      ["document", documentId],
      ["IPFS", documentCid],
      ["status", status],
      ["message", message],
      ["read from", source],
    ]),
    "",
    table(
      ["tier", "", "fault", "detail"],
      (["r2", "ipfs"] as const).map((tier) => {
        const { present, fault, detail } = report[tier];
        return [tier, mark(present && fault === undefined), fault, detail];
      }),
    ),
  ].join("\n");
}

/** A table of the blocks that are untrusted or have another status than ok. */
export function reportTable(results: readonly BlockReport[]): string[] {
  const shown = results.filter(({ status, untrusted }) => status !== "ok" || untrusted !== null);
  if (shown.length === 0) return [];
  const rows = shown.map(({ blockNumber, status, kv, r2, ipfs, message }) => [
    blockNumber,
    status,
    ...[kv, r2, ipfs].map(tierCell),
    message,
  ]);
  return ["", table(["block", "status", "kv", "r2", "ipfs", "message"], rows)];
}

function tierCell({ present, fault }: TierReport): Cell {
  return fault ?? (present ? "ok" : "missing");
}

export function runText(run: StorageRun): string {
  return [
    facts([
      ["run", run.id],
      [
        "does",
        run.kind === "restore" ? "restore the chain head" : run.repair ? "verify and repair" : "verify",
      ],
      ["state", run.state],
      ["message", run.message],
      ["by", run.by],
      ["started", time(run.startedAt)],
      ["ended", time(run.finishedAt)],
      ["next block", run.next],
      ...resultRows(run),
    ]),
    ...reportTable(run.results),
    ...documentTable(run.documents.results),
  ].join("\n");
}
