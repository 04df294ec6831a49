import {
  DocumentRecord,
  InvalidDocument,
  MAX_RECORD_BYTES,
  type StoredDocument,
} from "../../shared/chain/document.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { RetryLater } from "../../shared/errors.ts";
import { Problem } from "../../shared/http/problems.ts";
import { drop, readInto, roomFor } from "../../shared/http/read-into.ts";
import { errorText, type Log } from "../../shared/log.ts";
import { findDocument, type DocumentFacts } from "../../shared/storage/documents.ts";
import { documentTiers, type Env } from "./env.ts";
import { documentMemory } from "./memory.ts";
import { registeredKey } from "./registered-key.ts";
import { StoredByAnother, storeDocument } from "./store-document.ts";

/** A document that comes more slowly keeps others out. */
const LIMITS = { maxBytes: MAX_RECORD_BYTES, milliseconds: 120_000 };

/**
 * Takes in a document that its owner encrypted and signed. 200 only once it is in R2 and on IPFS; the same again is answered
 * alike.
 * @throws Problem "body-too-large", "invalid-body", "invalid-user-signature", "not-registered", "not-configured", "unavailable"
 */
export async function receiveDocument(request: Request, env: Env, log: Log): Promise<StoredDocument> {
  const tiers = documentTiers(env);
  const { room, release } = await takeRoom(request);
  try {
    const body = await readInto(request.body, { room, ...LIMITS });
    const document = await readDocument(body);
    const stored = await orUnavailable(log, async () => {
      const known = await findDocument(tiers.bucket, document.id);
      if (known !== undefined) return known;
      const encryptionKeyId = await registeredKey(document.owner, document.envelope.kid, env);
      const cid = await cidV0(document.bytes);
      return storeDocument({ document, cid, encryptionKeyId }, tiers, log);
    });
    log.info("document.stored", { documentId: document.id, documentCid: stored.cid, bytes: stored.bytes });
    return answerOf(document.id, stored);
  } finally {
    release();
  }
}

/** @throws Problem "body-too-large" or "unavailable"; what it refuses has been read and dropped */
async function takeRoom(request: Request): Promise<{ room: number; release: () => void }> {
  try {
    const room = roomFor(request.headers, MAX_RECORD_BYTES);
    const release = documentMemory.take(room);
    if (release !== undefined) return { room, release };
    throw busy("Other documents are being stored at the moment. Nothing was stored; send it again.", 5);
  } catch (refusal) {
    await drop(request.body, LIMITS);
    throw refusal;
  }
}

/** @throws Problem "invalid-body" or "invalid-user-signature" */
async function readDocument(body: Uint8Array<ArrayBuffer>): Promise<DocumentRecord> {
  const document = await DocumentRecord.read(body).catch((error: unknown) => {
    if (!(error instanceof InvalidDocument)) throw error;
    throw new Problem("invalid-body", `This is no document's record: ${error.message}.`);
  });
  if (await document.verify()) return document;
  throw new Problem(
    "invalid-user-signature",
    "The signature is not that of the key it names over this envelope: sign what docs/format.md says.",
  );
}

/** @throws Problem "unavailable" for whatever went wrong on our side, or a service's: sending it again may help */
async function orUnavailable(log: Log, work: () => Promise<DocumentFacts>): Promise<DocumentFacts> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof StoredByAnother)
      throw busy("This very document is just being stored. Send it again to see it done.", 5);
    log.error("document.unavailable", { error: errorText(error) });
    throw busy(
      "The document could not be put into both R2 and IPFS, so it is in neither. Send it again.",
      error instanceof RetryLater ? error.seconds : 30,
    );
  }
}

function busy(detail: string, seconds: number): Problem {
  return new Problem("unavailable", detail, { headers: { "retry-after": String(seconds) } });
}

function answerOf(id: string, { cid, bytes, owner }: DocumentFacts): StoredDocument {
  return { id, documentCid: cid, bytes, owner, documentUrl: `/api/documents/${id}` };
}
