import { activation, activationToken } from "./activation.ts";
import { asset } from "./assets.ts";
import { auditLog } from "./audit.ts";
import { block, blocks, latest } from "./blocks.ts";
import { contents, openApi } from "./contents.ts";
import { deadLetter, deadLetterPage, dismiss } from "./dead-letters.ts";
import { dismissMany } from "./dismissals.ts";
import { documentsByHash, documentsByPrefix } from "./document-entries.ts";
import { document, documentStatus, putDocument } from "./documents.ts";
import { health, ready } from "./health.ts";
import { revokeKey } from "./keys.ts";
import { logKeys, logPolicy, logTimestamp, ofBlocks, ofTransactions } from "./log.ts";
import { metrics } from "./metrics.ts";
import { mine } from "./mine.ts";
import { pending } from "./pending.ts";
import type { Method, Plan } from "./plan.ts";
import { erasePrivate, showPrivate } from "./privacy.ts";
import { bringRecord, exportRecord, storedRecords } from "./records.ts";
import { abortReplay, createReplay, replay, replays } from "./replays.ts";
import { resume } from "./resume.ts";
import { status } from "./status.ts";
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
} from "./storage-verify.ts";
import { bringDocument, storedDocuments, verifyDocument } from "./stored-documents.ts";
import { submission } from "./submissions.ts";
import { consistency, proof } from "./proof.ts";
import { transaction, transactionBytes } from "./transactions.ts";
import { replaceUserMetadata, userMetadata } from "./users.ts";
import { webhook } from "./webhook.ts";
import { wellKnown } from "./well-known.ts";

/** The table of contents of the HTTP interface: docs/design.md#http-interface */
export const ROUTES = {
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
} as const satisfies Readonly<Record<`${Method} /${string}`, Plan>>;

/** A call, as the table names it: `GET /api/vdc/latest`. */
export type RouteName = keyof typeof ROUTES;
