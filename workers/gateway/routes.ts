import type { Method } from "../../shared/api/plan.ts";
import type { RouteName, ROUTES as PLANS } from "../../shared/api/routes.ts";
import type { Operation } from "./http/operation.ts";
import type { Route } from "./http/router.ts";
import { activation, activationToken } from "./resources/activation.ts";
import { asset } from "./resources/assets.ts";
import { auditLog } from "./resources/audit.ts";
import { block, blocks, latest } from "./resources/blocks.ts";
import { contents, openApi } from "./resources/contents.ts";
import { deadLetter, deadLetterPage, dismiss } from "./resources/dead-letters.ts";
import { dismissMany } from "./resources/dismissals.ts";
import { documentsByHash, documentsByPrefix } from "./resources/document-entries.ts";
import { document, documentStatus, putDocument } from "./resources/documents.ts";
import { health, ready } from "./resources/health.ts";
import { revokeKey } from "./resources/keys.ts";
import { logKeys, logPolicy, logTimestamp, ofBlocks, ofTransactions } from "./resources/log.ts";
import { metrics } from "./metrics/metrics.ts";
import { mine } from "./resources/mine.ts";
import { pending } from "./resources/pending.ts";
import { erasePrivate, showPrivate } from "./resources/privacy.ts";
import { consistency, proof } from "./resources/proofs.ts";
import { bringRecord, exportRecord, storedRecords } from "./resources/records.ts";
import { abortReplay, createReplay, replay, replays } from "./resources/replays.ts";
import { resume } from "./resources/resume.ts";
import { status } from "./resources/status.ts";
import { submission } from "./resources/submissions.ts";
import {
  abortStorageRun,
  bringBlock,
  restoreChain,
  resumeStorageRun,
  storageRun,
  storageRuns,
  storageStatus,
  verifyAll,
  verifyBlock,
} from "./resources/storage-verify.ts";
import { bringDocument, storedDocuments, verifyDocument } from "./resources/stored-documents.ts";
import { transactionBytes } from "./resources/transaction-bytes.ts";
import { transaction } from "./resources/transactions.ts";
import { replaceUserMetadata, userMetadata } from "./resources/users.ts";
import { webhook } from "./resources/webhook.ts";
import { wellKnown } from "./resources/well-known.ts";

/** The handler of each call in the table of shared/api/routes.ts. The compiler refuses a missing one, and one with another plan. */
const OPERATIONS: { readonly [Name in RouteName]: Operation<(typeof PLANS)[Name]> } = {
  "POST /api/stripe/webhook": webhook,

  "GET /api/vdc/latest": latest,
  "GET /api/vdc/blocks": blocks,
  "GET /api/vdc/blocks/:blockNumber": block,
  "GET /api/vdc/transactions/:txId": transaction,
  "GET /api/vdc/transactions/:txId/bytes": transactionBytes,
  "GET /api/vdc/transactions/:txId/proof": proof,
  "GET /api/vdc/consistency": consistency,
  "POST /api/vdc/transactions": submission,
  "GET /api/vdc/assets/:assetId": asset,
  "GET /api/vdc/documents/by-hash": documentsByPrefix,
  "GET /api/vdc/documents/by-hash/:sha256": documentsByHash,
  "POST /api/documents": putDocument,
  "GET /api/documents/:documentId": document,
  "GET /api/documents/:documentId/status": documentStatus,
  "GET /.well-known/vdc.json": wellKnown,

  "GET /log/checkpoint": ofBlocks.checkpoint,
  "GET /log/checkpoints/:size": ofBlocks.pastCheckpoint,
  "GET /log/vkeys": ofBlocks.vkeys,
  "GET /log/keys.json": logKeys,
  "GET /log/policy": logPolicy,
  "GET /log/timestamps/:authority/:size": logTimestamp,
  "GET /log/tile/entries/:index+": ofBlocks.entries,
  "GET /log/tile/:level/:index+": ofBlocks.tile,
  "GET /log/tx/checkpoint": ofTransactions.checkpoint,
  "GET /log/tx/checkpoints/:size": ofTransactions.pastCheckpoint,
  "GET /log/tx/vkeys": ofTransactions.vkeys,
  "GET /log/tx/tile/entries/:index+": ofTransactions.entries,
  "GET /log/tx/tile/:level/:index+": ofTransactions.tile,

  "POST /api/activation": activation,
  "GET /api/users/:userId/metadata": userMetadata,
  "PUT /api/users/:userId/metadata": replaceUserMetadata,

  "GET /api/health": health,
  "GET /api/ready": ready,

  "POST /api/vdc/mine": mine,
  "POST /api/vdc/resume": resume,
  "POST /api/vdc/keys/:keyId/revoke": revokeKey,
  "GET /api/vdc/pending": pending,
  "GET /api/vdc/status": status,
  "GET /api/metrics": metrics,

  "GET /api/dead-letters": deadLetterPage,
  "POST /api/dead-letters/replays": createReplay,
  "GET /api/dead-letters/replays": replays,
  "GET /api/dead-letters/replays/:id": replay,
  "DELETE /api/dead-letters/replays/:id": abortReplay,
  "POST /api/dead-letters/dismissals": dismissMany,
  "GET /api/dead-letters/:id": deadLetter,
  "POST /api/dead-letters/:id/dismiss": dismiss,

  "POST /api/privacy/:txId/show": showPrivate,
  "POST /api/privacy/:txId/erase": erasePrivate,

  "GET /api/storage-verify/status": storageStatus,
  "POST /api/storage-verify/verify/:blockNumber": verifyBlock,
  "POST /api/storage-verify/verify-all": verifyAll,
  "GET /api/storage-verify/runs": storageRuns,
  "GET /api/storage-verify/runs/:runId": storageRun,
  "DELETE /api/storage-verify/runs/:runId": abortStorageRun,
  "POST /api/storage-verify/runs/:runId/resume": resumeStorageRun,
  "PUT /api/storage-verify/blocks/:blockNumber": bringBlock,
  "GET /api/storage-verify/documents": storedDocuments,
  "POST /api/storage-verify/documents/:documentId/verify": verifyDocument,
  "PUT /api/storage-verify/documents/:documentId": bringDocument,
  "GET /api/storage-verify/records": storedRecords,
  "GET /api/storage-verify/records/:kind/:recordId": exportRecord,
  "PUT /api/storage-verify/records/:kind/:recordId": bringRecord,
  "POST /api/storage-verify/restore": restoreChain,

  "POST /api/activation-tokens": activationToken,

  "GET /api/audit": auditLog,

  "GET /": contents,
  "GET /openapi.json": openApi,
};

export const ROUTES: readonly Route[] = Object.entries(OPERATIONS).map(([name, operation]) => {
  const [method, path = ""] = name.split(" ");
  return [method as Method, path, operation];
});
