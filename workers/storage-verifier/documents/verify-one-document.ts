import { cidV0 } from "../../../shared/crypto/cid.ts";
import { documentIndex } from "../../../shared/objects/document-index.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { readRecord } from "../../../shared/storage/documents.ts";
import type { DocumentReport } from "../../../shared/api/storage-report.ts";
import type { Env } from "../env.ts";
import { documentVerification, registeredKeyOf, verifyStoredDocument } from "./verify-document.ts";

/**
 * Verifies a document for an operator, who waits for the answer, so it waits for no rate limit. Null: the document was never
 * stored.
 */
export async function verifyDocumentForOperator(
  documentId: string,
  repair: boolean,
  env: Env,
  log: Log,
): Promise<DocumentReport | null | "reindexing"> {
  const known = await documentIndex(env).find(documentId);
  if (known === null || known === "reindexing") return known;
  const report = await verifyStoredDocument(
    known,
    documentVerification(env, log, { repair, longestWaitSeconds: 0 }),
  );
  await documentIndex(env).noteChecked([report]);
  return report;
}

/**
 * `invalid`: the bytes are not that document · `unregistered`: no block registers its owner with the key to which it is
 * encrypted.
 */
export type DocumentCopyAnswer =
  | { readonly report: DocumentReport }
  | { readonly invalid: string }
  | { readonly unregistered: string }
  | "reindexing";

/**
 * Accepts a supplied record of a document, for example from an export, and restores both tiers from it. For a known document it
 * must be the very record that was stored, because blocks commit to its CID.
 */
export async function acceptDocument(
  documentId: string,
  bytes: Uint8Array<ArrayBuffer>,
  env: Env,
  log: Log,
): Promise<DocumentCopyAnswer> {
  const document = await readRecord(bytes, documentId, env.CHAIN_ID);
  if (typeof document === "string") return { invalid: document };
  const cid = await cidV0(bytes);
  const index = documentIndex(env);
  const indexed = await index.find(documentId);
  if (indexed === "reindexing") return indexed;
  if (indexed !== null && indexed.cid !== cid)
    return { invalid: `it has another signature than the record that was stored, which is ${indexed.cid}` };
  const key = await registeredKeyOf(document.owner, env);
  if (key === undefined || key !== document.envelope.kid) return { unregistered: document.owner };
  const known = { id: documentId, cid, bytes: bytes.length };
  await index.note(known);
  const context = documentVerification(env, log, { repair: true, longestWaitSeconds: 0 });
  const report = await verifyStoredDocument(known, context, document);
  await index.noteChecked([report]);
  return { report };
}
