import {
  DocumentRecord,
  InvalidDocument,
  MAX_RECORD_BYTES,
  type StoredDocument,
} from "../../../shared/chain/document.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { drop, readInto, roomFor } from "../../../shared/http/read-into.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { documentIndex } from "../../../shared/objects/document-index.ts";
import { findDocument, stateOf, type DocumentFacts } from "../../../shared/storage/documents.ts";
import type { Loan } from "./byte-budget.ts";
import { documentQuota, type Env } from "../env.ts";
import { documentMemory } from "./memory.ts";
import { countKeyUpload } from "../rate-limit.ts";
import { registeredKey } from "../submissions/registered-key.ts";
import { storeDocument, StoredOtherwise } from "./store-document.ts";
import type { Quota } from "./upload-quota.ts";

const LIMITS = {
  maxBytes: MAX_RECORD_BYTES,
  milliseconds: 120_000,
  pace: { bytes: 65_536, milliseconds: 10_000 },
};

/**
 * Takes in a document that its owner encrypted and signed. It is in R2 and in the index when this resolves, and the index has
 * `storage-verifier` pin it: the answer is 202. A repeat is answered with the document's state, 200 once it is pinned.
 * @throws Problem "body-too-large", "invalid-body", "invalid-user-signature", "rate-limited", "not-registered", "quota-exceeded",
 * "not-configured" or "unavailable"
 */
export async function receiveDocument(request: Request, env: Env, log: Log): Promise<Response> {
  const loan = documentMemory.loan();
  try {
    const document = await readDocument(await readLent(request, loan), env.CHAIN_ID);
    await countKeyUpload(document.owner, env, log);
    const stored = await orUnavailable(log, () => keep(document, env, log));
    log.info("document.stored", {
      documentId: stored.id,
      documentCid: stored.documentCid,
      state: stored.state,
    });
    if (stored.state === "pinned") return json(stored);
    return json(stored, { status: 202, headers: { location: `${stored.documentUrl}/status` } });
  } finally {
    loan.end();
  }
}

async function keep(document: DocumentRecord, env: Env, log: Log): Promise<StoredDocument> {
  const { id } = document;
  const stored = (await findDocument(env.R2, id)) ?? (await storeNew(document, env, log));
  const { cid, bytes, owner } = stored;
  const state = stateOf(await documentIndex(env).note({ id, cid, bytes }));
  return { id, documentCid: cid, bytes, owner, documentUrl: `/api/documents/${id}`, state };
}

async function storeNew(document: DocumentRecord, env: Env, log: Log): Promise<DocumentFacts> {
  const encryptionKeyId = await registeredKey(document.owner, document.envelope.kid, env);
  const owned = { document, cid: await cidV0(document.bytes), encryptionKeyId };
  const index = { noteArriving: async (id: string) => documentIndex(env).noteArriving(id) };
  return withinQuota(document, env, log, () => storeDocument(env.R2, index, owned));
}

/**
 * Reads the body and borrows memory for its bytes as they arrive.
 * @throws Problem "body-too-large", "invalid-body" or "unavailable"
 */
async function readLent(request: Request, loan: Loan): Promise<Uint8Array<ArrayBuffer>> {
  const lend = (bytes: number) => {
    if (loan.extendTo(bytes)) return;
    throw busy("Other documents are being stored at the moment. Nothing was stored; send it again.", 5);
  };
  const room = await roomOf(request);
  return readInto(request.body, { room, lend, ...LIMITS });
}

/**
 * Reads how many bytes the body may have.
 * @throws Problem "body-too-large", after it has read and dropped the body
 */
async function roomOf(request: Request): Promise<number> {
  try {
    return roomFor(request.headers, MAX_RECORD_BYTES);
  } catch (refusal) {
    await drop(request.body, LIMITS);
    throw refusal;
  }
}

/**
 * Stores a document within the user's quota of today. The bytes of a failed upload are given back.
 * @throws Problem "quota-exceeded"
 */
async function withinQuota(
  { owner, bytes }: DocumentRecord,
  env: Env,
  log: Log,
  store: () => Promise<DocumentFacts>,
): Promise<DocumentFacts> {
  const quotaBytes = documentQuota(env);
  const quota = await env.USER_METADATA.getByName(owner).reserveBytes(bytes.length, quotaBytes);
  if (!quota.granted) throw quotaExceeded(quota, quotaBytes);
  try {
    return await store();
  } catch (error) {
    await env.USER_METADATA.getByName(owner)
      .releaseBytes(bytes.length, quota.resetsAt)
      .catch((failure: unknown) => log.warn("document.quota_not_released", { error: errorText(failure) }));
    throw error;
  }
}

function quotaExceeded({ usedBytes, resetsAt }: Quota, quotaBytes: number): Problem {
  return new Problem(
    "quota-exceeded",
    `A user may store ${quotaBytes} bytes of documents a day, and ${usedBytes} are stored. Send it again after midnight UTC.`,
    {
      members: { quotaBytes, usedBytes, resetsAt },
      headers: { "retry-after": String(Math.max(1, Math.ceil((resetsAt - Date.now()) / 1_000))) },
    },
  );
}

/** @throws Problem "invalid-body" or "invalid-user-signature" */
async function readDocument(body: Uint8Array<ArrayBuffer>, chainId: string): Promise<DocumentRecord> {
  const document = await DocumentRecord.read(body).catch((error: unknown) => {
    if (!(error instanceof InvalidDocument)) throw error;
    throw new Problem("invalid-body", `This is no document's record: ${error.message}.`);
  });
  if (await document.verify(chainId)) return document;
  throw new Problem(
    "invalid-user-signature",
    "The signature is not that of the key it names over this envelope: sign what docs/format.md says, for this chain.",
  );
}

/**
 * Turns every failure of ours or of a service into an answer after which the user may send the document again.
 * @throws Problem "unavailable"
 */
async function orUnavailable<T>(log: Log, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) throw error;
    log.error("document.unavailable", { error: errorText(error) });
    if (error instanceof StoredOtherwise)
      throw busy(
        "This document is stored, with another signature, and could not be read just now. Send the record that was stored, or wait until it is restored.",
        30,
      );
    throw busy("The document was not stored, or it is not known whether it was. Send it again.", 30);
  }
}

function busy(detail: string, seconds: number): Problem {
  return new Problem("unavailable", detail, { headers: { "retry-after": String(seconds) } });
}
