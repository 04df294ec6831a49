import {
  indexGaps,
  putEntry,
  writeAssetRecords,
  type IndexEntry,
} from "../../../shared/operations/block-index.ts";
import { untrustedFor } from "../../../shared/chain/signing-keys.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { archiveIn, missingPrivateParts } from "../../../shared/storage/private-archive.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { isFork, type BlockReport, type BlockStatus } from "../../../shared/api/storage-report.ts";
import { TIER_NAMES, type BlockCopy, type TierName, type Tiers } from "../../../shared/storage/tier.ts";
import type { Env } from "../env.ts";
import { inspect, bytesChecker, type ChainKeys, type InspectedCopy, type KnownBlock } from "./inspect.ts";
import { rehydrate } from "./rehydrate.ts";

export interface Verification {
  readonly chain: ChainKeys;
  readonly tiers: Tiers;
  readonly repair: boolean;
  /** Longest wait for a rate limit of one request. */
  readonly longestWaitSeconds: number;
  readonly env: Env;
  readonly log: Log;
}

/** Share of an invocation's 1,000 KV operations (Cloudflare, KV limits) that one block's index may take. */
const INDEX_WRITES = 900;

type InspectedCopies = Readonly<Record<TierName, InspectedCopy>>;

/**
 * Verifies the bytes of a block in every tier, and its index. With `repair`, it restores wrong or missing copies from the first
 * sound one: KV, then R2, then IPFS, then `suppliedCopy`. An unreachable tier is left as it is.
 */
export async function verifyStoredBlock(
  known: KnownBlock,
  context: Verification,
  suppliedCopy?: BlockCopy,
): Promise<BlockReport> {
  const { chain, tiers, repair, longestWaitSeconds, env, log } = context;
  const checkBytes = bytesChecker(known, chain);
  const [kv, r2, ipfs] = await Promise.all(
    TIER_NAMES.map((name) => inspect(tiers[name], known, checkBytes, longestWaitSeconds)),
  );
  if (kv === undefined || r2 === undefined || ipfs === undefined) throw new Error("a tier was not inspected");
  const inspected: InspectedCopies = { kv, r2, ipfs };
  const source = TIER_NAMES.find((name) => inspected[name].copy !== undefined);
  const copy = source === undefined ? suppliedCopy : inspected[source].copy;

  const restored = repair && copy !== undefined ? await rehydrate(known, copy, inspected, context) : {};
  const gaps = copy && (known.indexed ? await findGaps(copy, env, log) : []);
  const written = repair && gaps !== undefined ? await writeIndex(gaps.slice(0, INDEX_WRITES), env, log) : 0;

  const privateParts =
    copy === undefined || !known.complete ? 0 : await countMissingPrivateParts(copy, env, log);

  const after = (name: TierName) => restored[name] ?? inspected[name].report;
  const mended = TIER_NAMES.filter((name) => after(name).present && !inspected[name].report.present);
  const missing = gaps === undefined ? null : gaps.length - written;
  const report = {
    blockNumber: known.blockNumber,
    kv: after("kv"),
    r2: after("r2"),
    ipfs: after("ipfs"),
    index: { complete: missing === 0, missing },
    privateParts: { complete: privateParts === 0, missing: privateParts },
    source: source ?? null,
    rehydrated: {
      ...Object.fromEntries(mended.map((name) => [name, inspected[name].report.fault])),
      ...(written > 0 && { index: "missing" as const }),
    },
  };
  const status = statusOf(report);
  const untrusted = untrustedFor(known.blockNumber, chain.untrusted);
  const message = messageOf(report, status, repair);
  if (untrusted === undefined) return { ...report, status, message, untrusted: null };
  const { keyId, revocation } = untrusted;
  return {
    ...report,
    status,
    message: `${message}. It is signed by key ${keyId}, which block ${revocation.blockNumber} revokes from block ${revocation.fromBlock} on: ${revocation.reason}`,
    untrusted: { keyId, revokedIn: revocation.blockNumber },
  };
}

type ReportWithoutStatus = Omit<BlockReport, "status" | "message" | "untrusted">;

function statusOf(report: ReportWithoutStatus): BlockStatus {
  const reports = TIER_NAMES.map((name) => report[name]);
  if (reports.every(({ present }) => present) && report.index.complete && report.privateParts.complete)
    return Object.keys(report.rehydrated).length > 0 ? "rehydrated" : "ok";
  // A tier that could not be read may hold a sound copy, so the block is not lost yet.
  const lost = !isHeld(report) && reports.every(({ fault }) => fault !== "unreachable");
  return lost ? "failed" : "partial";
}

/** Decides whether a tier held a sound copy or holds one again. */
function isHeld(report: ReportWithoutStatus): boolean {
  return report.source !== null || TIER_NAMES.some((name) => report[name].present);
}

const FORKED =
  "A second block of this number, signed by a key of the chain, is kept under evidence/ in R2, and the chain is halted. Find out who made it, then resume";

function messageOf(report: ReportWithoutStatus, status: BlockStatus, repair: boolean): string {
  const wrong = TIER_NAMES.filter((name) => !report[name].present).map(
    (name) => `${name} ${report[name].fault ?? "missing"}`,
  );
  if (!report.index.complete && report.index.missing !== null)
    wrong.push(`${report.index.missing} index keys missing`);
  const lostParts = report.privateParts.missing ?? 0;
  if (lostParts > 0) wrong.push(`${lostParts} private parts missing`);
  const mended = Object.entries(report.rehydrated).map(([name, fault]) => `${name} (${fault})`);
  if (status === "ok") return "Block present in all storage tiers";
  if (status === "rehydrated")
    return `Restored from ${report.source ?? "the supplied copy"}: ${mended.join(", ")}${isFork(report) ? `. ${FORKED}` : ""}`;
  if (status === "failed")
    return `No tier has a sound copy (${wrong.join(", ")}). Bring one from an auditor's export: vdc storage bring ${report.blockNumber} <file.car>`;
  if (!isHeld(report))
    return `No sound copy could be read now (${wrong.join(", ")}). Verify again when every tier can be reached`;
  if (repair && isFork(report)) return `Not all could be restored (${wrong.join(", ")}). ${FORKED}`;
  if (lostParts > 0 && wrong.length === 1)
    return `R2 lacks ${lostParts} private parts. Bring them from an export: vdc storage bring-records <folder>`;
  return repair
    ? `Not all could be restored (${wrong.join(", ")}). Verify again when the tier can be reached and written`
    : `Not complete (${wrong.join(", ")}). Verify with repair to restore it from ${report.source}`;
}

/** Returns the missing index entries; `undefined` when KV can't be read. */
async function findGaps(
  { block }: BlockCopy,
  env: Env,
  log: Log,
): Promise<readonly IndexEntry[] | undefined> {
  try {
    return await indexGaps(block, env);
  } catch (error) {
    log.warn("index.unreachable", { blockNumber: block.blockNumber, error: errorText(error) });
    return undefined;
  }
}

/** Counts the missing private parts; `null` when R2 can't be read. */
async function countMissingPrivateParts({ block }: BlockCopy, env: Env, log: Log): Promise<number | null> {
  const { blockNumber } = block;
  try {
    const bytes = await readObject(env.R2, r2Keys.private(blockNumber));
    return missingPrivateParts(block, bytes && archiveIn(bytes)).length;
  } catch (error) {
    log.warn("private_parts.unreachable", { blockNumber, error: errorText(error) });
    return null;
  }
}

/**
 * Writes index entries.
 * @returns how many were written
 */
async function writeIndex(gaps: readonly IndexEntry[], env: Env, log: Log): Promise<number> {
  const assetIds = gaps.flatMap(({ assetId }) => assetId ?? []);
  const others = gaps.filter(({ assetId }) => assetId === undefined);
  let written = 0;
  try {
    await mapConnections(others, (entry) => putEntry(env.KV, entry));
    written += others.length;
    await writeAssetRecords(assetIds, env);
    written += assetIds.length;
  } catch (error) {
    log.error("index.restore_failed", { error: errorText(error) });
  }
  return written;
}
