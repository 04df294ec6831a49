import { chainHead } from "../../../shared/objects/chain-head.ts";
import { documentIndex } from "../../../shared/objects/document-index.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { settleConnections } from "../../../shared/storage/limits.ts";
import type {
  BlockReport,
  DocumentReport,
  StorageRun,
  VerifyAllResult,
} from "../../../shared/api/storage-report.ts";
import { chunkOf, TRANSACTIONS_AT_ONCE } from "../runs/chunk.ts";
import { recordReports } from "./record-reports.ts";
import { storageRuns, type Env } from "../env.ts";
import { knownBlocks, readChain } from "./known-blocks.ts";
import { withReportedTiers } from "./reported-tiers.ts";
import { areBlocksDone } from "../runs/runs.ts";
import { areLogsDone } from "../runs/log-progress.ts";
import { enqueueNext } from "../runs/enqueue-next.ts";
import { verifyStoredBlock } from "./verify-block.ts";
import { verifyLogChunk } from "../logs/verify-logs.ts";
import { verifyDocumentChunk } from "../documents/verify-documents.ts";

/**
 * A chain up to this size, with few transactions and documents, is verified while the caller waits; a larger one by the queue.
 */
const BLOCKS_AT_ONCE = 50;
const DOCUMENTS_AT_ONCE = 50;
const BLOCKS_A_CHUNK = 20;
/** Each block makes four requests at a time, and six connections may be open (Cloudflare, Workers limits). */
const BLOCKS_TOGETHER = 2;
/** Longest wait for a rate limit of one request; the queue gives a chunk fifteen minutes. */
const LONGEST_WAIT_SECONDS = 65;

export type VerifyAllAnswer =
  | { readonly finished: VerifyAllResult }
  | { readonly started: StorageRun }
  | { readonly active: StorageRun };

export async function verifyAll(
  request: { readonly repair: boolean; readonly by: string; readonly rolling?: number },
  env: Env,
  log: Log,
): Promise<VerifyAllAnswer> {
  const [{ totalBlocks }, { counts }, documents] = await Promise.all([
    readChain(env),
    chainHead(env).status(),
    documentIndex(env).totals(),
  ]);
  const run = { id: crypto.randomUUID(), kind: "verify" as const, totalBlocks, ...request };
  const answer = await storageRuns(env).start(run);
  if ("active" in answer) return answer;
  log.info("run.started", { runId: run.id, totalBlocks, repair: run.repair });
  const isLong =
    answer.started.totalBlocks > BLOCKS_AT_ONCE ||
    counts.mined > TRANSACTIONS_AT_ONCE ||
    documents === "reindexing" ||
    documents.total > DOCUMENTS_AT_ONCE;
  if (isLong) {
    await enqueueNext(answer.started, env);
    return answer;
  }
  const results: BlockReport[] = [];
  const documentResults: DocumentReport[] = [];
  let state = answer.started;
  while (state.state === "running") {
    const chunk = await verifyChunk(state, env, log);
    results.push(...chunk.reports);
    documentResults.push(...chunk.documentReports.filter(({ status }) => status !== "ok"));
    state = chunk.run;
  }
  if (state.state !== "done") return { started: state }; // another call has ended the run meanwhile
  const { verified, rehydrated, partial, failed, untrusted, duration } = state;
  return {
    finished: {
      totalBlocks: state.totalBlocks,
      verified,
      rehydrated,
      partial,
      failed,
      untrusted,
      results,
      log: state.log,
      documents: { ...state.documents, results: documentResults },
      duration,
    },
  };
}

interface VerifiedChunk {
  readonly run: StorageRun;
  readonly reports: readonly BlockReport[];
  readonly documentReports: readonly DocumentReport[];
}

/**
 * Verifies the run's next blocks, then its next tiles of the logs, then its next documents. A chunk that is done twice, because its message
 * came twice, is counted once.
 */
export async function verifyChunk(run: StorageRun, env: Env, log: Log): Promise<VerifiedChunk> {
  if (!areBlocksDone(run)) return { ...(await verifyBlockChunk(run, env, log)), documentReports: [] };
  if (!areLogsDone(run))
    return { run: await verifyLogChunk(run, env, log), reports: [], documentReports: [] };
  const { run: after, reports: documentReports } = await verifyDocumentChunk(run, env, log);
  if (after.state === "done") await finish(after, env, log);
  return { run: after, reports: [], documentReports };
}

async function verifyBlockChunk(
  run: StorageRun,
  env: Env,
  log: Log,
): Promise<Pick<VerifiedChunk, "run" | "reports">> {
  const from = run.next;
  const end = Math.min(from + BLOCKS_A_CHUNK, run.firstBlock + run.totalBlocks);
  const [chain, known] = await Promise.all([readChain(env), knownBlocks(env, from, end)]);
  if (known.length !== end - from)
    throw new Error(`the chain head has published ${known.length} of the blocks ${from} to ${end - 1}`);
  const chunk = chunkOf(known);
  const outcomes = await withReportedTiers(env, log, (tiers) => {
    const context = { chain, tiers, repair: run.repair, longestWaitSeconds: LONGEST_WAIT_SECONDS, env, log };
    return settleConnections(chunk, (block) => verifyStoredBlock(block, context), BLOCKS_TOGETHER);
  });
  const reports = outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  await recordReports(reports, run.repair, env);
  const after = await storageRuns(env).recordChunk({
    runId: run.id,
    from,
    next: from + chunk.length,
    reports,
  });
  return { run: after, reports };
}

/**
 * Finishes a run. It has the chain head write KV's hot keys again, because they may be lost or stale and only the chain head
 * writes them.
 */
async function finish(run: StorageRun, env: Env, log: Log): Promise<void> {
  const { verified, rehydrated, partial, failed, log: tiles, documents } = run;
  log.info("run.finished", {
    runId: run.id,
    verified,
    rehydrated,
    partial,
    failed,
    logChecked: tiles.checked,
    logRestored: tiles.restored,
    logFailed: tiles.failed,
    documentsVerified: documents.verified,
    documentsRehydrated: documents.rehydrated,
    documentsPartial: documents.partial,
    documentsFailed: documents.failed,
  });
  const isWhole = partial === 0 && failed === 0;
  const verifiedIndex = { from: run.firstBlock, through: run.firstBlock + run.totalBlocks - 1 };
  if (run.repair) await chainHead(env).publishAgain(isWhole ? verifiedIndex : null);
}
