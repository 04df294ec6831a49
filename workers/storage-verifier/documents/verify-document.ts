import { MAX_RECORD_BYTES, type DocumentRecord } from "../../../shared/chain/document.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import {
  createDocument,
  documentFile,
  replaceDocument,
  soundRecord,
  toldCid,
  type IndexedDocument,
  type OwnedDocument,
} from "../../../shared/storage/documents.ts";
import { pinAndReadBack, WrongCid, type GatewayReader } from "../../../shared/storage/ipfs-tier.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Pinner } from "../../../shared/storage/pinner.ts";
import { createOnly } from "../../../shared/storage/r2-tier.ts";
import type {
  BlockStatus,
  DocumentReport,
  TierFault,
  TierReport,
} from "../../../shared/api/storage-report.ts";
import { gatewayOf, pinnerOf } from "../../../shared/storage/tiers.ts";
import type { Env } from "../env.ts";
import { retryOnce } from "../runs/retry-once.ts";

export interface DocumentVerification {
  readonly pinner: Pinner;
  readonly gateway: GatewayReader;
  readonly repair: boolean;
  /** Longest wait for a rate limit of one request, in seconds. */
  readonly longestWaitSeconds: number;
  readonly env: Env;
  readonly log: Log;
}

/** @throws Error that names the missing or wrong setting */
export function documentVerification(
  env: Env,
  log: Log,
  how: { readonly repair: boolean; readonly longestWaitSeconds: number },
): DocumentVerification {
  return { pinner: pinnerOf(env), gateway: gatewayOf(env), env, log, ...how };
}

const DOCUMENT_TIERS = ["r2", "ipfs"] as const;
type DocumentTier = (typeof DOCUMENT_TIERS)[number];

/** The result of inspecting one tier's copy of a document. */
interface InspectedDocument {
  readonly report: TierReport;
  /** A sound record, even if something else about the copy is wrong. */
  readonly document?: DocumentRecord;
  /** The object that R2 holds instead of a sound one. */
  readonly instead?: { readonly etag: string; readonly wrongBytes?: Uint8Array<ArrayBuffer> };
}

/**
 * Verifies a document's record in R2 and on IPFS: its CID, its id and its owner's signature. With `repair`, it restores missing
 * or wrong copies from the first sound one: R2, then IPFS, then the `suppliedCopy`. An unreachable tier is left as it is. One
 * record is in memory at a time, and a second one while it is pinned.
 */
export async function verifyStoredDocument(
  known: IndexedDocument,
  context: DocumentVerification,
  suppliedCopy?: DocumentRecord,
): Promise<DocumentReport> {
  const r2 = await inR2(known, context);
  const ipfs = await onIpfs(known, r2.document, context);
  const source = r2.document ? "r2" : ipfs.document ? "ipfs" : null;
  const copy = r2.document ?? ipfs.document ?? suppliedCopy;
  const restored = context.repair && copy ? await restore(known, copy, { r2, ipfs }, context) : {};

  const inspected = { r2, ipfs };
  const after = (name: DocumentTier) => restored[name] ?? inspected[name].report;
  const mended = DOCUMENT_TIERS.filter((name) => after(name).present && !inspected[name].report.present);
  const report: ReportWithoutStatus = {
    documentId: known.id,
    documentCid: known.cid,
    r2: after("r2"),
    ipfs: after("ipfs"),
    source,
    rehydrated: Object.fromEntries(mended.map((name) => [name, inspected[name].report.fault])),
  };
  const status = statusOf(report);
  return { ...report, status, message: messageOf(report, status, context.repair) };
}

async function inR2({ id, cid }: IndexedDocument, { env }: DocumentVerification): Promise<InspectedDocument> {
  try {
    const object = await env.R2.get(r2Keys.document(id));
    if (object === null) return without("missing", "R2 has no such object");
    const { etag, size } = object;
    if (size > MAX_RECORD_BYTES) {
      await object.body.cancel();
      return without(
        "corrupt",
        `it has ${size} bytes, more than a document can have: look at it, then delete it`,
      );
    }
    const bytes = new Uint8Array(await object.arrayBuffer());
    const document = await soundRecord(bytes, { id, cid }, env.CHAIN_ID);
    if (typeof document === "string")
      return { ...without("corrupt", document), instead: { etag, wrongBytes: bytes } };
    return toldCid(object) === cid
      ? { report: { present: true, hash: id }, document }
      : { ...without("wrong_cid", `its metadata does not name ${cid}`), document, instead: { etag } };
  } catch (error) {
    return without("unreachable", reasonText(error));
  }
}

/** @param stored the record of R2; the gateway's answer is compared with it as it arrives */
async function onIpfs(
  { id, cid }: IndexedDocument,
  stored: DocumentRecord | undefined,
  { pinner, gateway, longestWaitSeconds, env }: DocumentVerification,
): Promise<InspectedDocument> {
  const [pinned, served] = await Promise.allSettled([
    retryOnce(longestWaitSeconds, () => pinner.isPinned(cid)),
    retryOnce(longestWaitSeconds, async () =>
      stored === undefined
        ? servedRecord(gateway, { id, cid }, env.CHAIN_ID)
        : (await gateway.serves(cid, stored.bytes))
          ? stored
          : undefined,
    ),
  ]);
  const copy = served.status === "fulfilled" && served.value ? { document: served.value } : {};
  if (pinned.status === "rejected") return { ...without("unreachable", reasonText(pinned.reason)), ...copy };
  if (served.status === "rejected") {
    if (served.reason instanceof WrongCid) return without("wrong_cid", served.reason.message);
    return pinned.value
      ? without("unreachable", reasonText(served.reason))
      : without("missing", "not pinned");
  }
  if (served.value === undefined)
    return without("missing", pinned.value ? "pinned, but the gateway does not have it" : "not pinned");
  return pinned.value
    ? { report: { present: true, hash: cid }, ...copy }
    : { ...without("missing", "not pinned; the gateway still serves a copy"), ...copy };
}

/**
 * Reads the record from the gateway; `undefined` when the gateway has none.
 * @throws WrongCid, or the gateway's error
 */
async function servedRecord(
  gateway: GatewayReader,
  known: Pick<IndexedDocument, "id" | "cid">,
  chainId: string,
): Promise<DocumentRecord | undefined> {
  const bytes = await gateway.fetch(known.cid);
  const document = bytes && (await soundRecord(bytes, known, chainId));
  if (typeof document === "string") throw new WrongCid(document);
  return document;
}

function without(fault: TierFault, detail: string): InspectedDocument {
  return { report: { present: false, hash: null, fault, detail } };
}

/** @returns reports of the tiers that it tried */
async function restore(
  known: IndexedDocument,
  document: DocumentRecord,
  inspected: Readonly<Record<DocumentTier, InspectedDocument>>,
  context: DocumentVerification,
): Promise<Partial<Record<DocumentTier, TierReport>>> {
  const { env, log, pinner, gateway, longestWaitSeconds } = context;
  const put = {
    r2: (owned: OwnedDocument) => putIntoR2(owned, inspected.r2, env),
    ipfs: (owned: OwnedDocument) =>
      retryOnce(longestWaitSeconds, () => pinAndReadBack(pinner, gateway, documentFile(env.CHAIN_ID, owned))),
  };
  const reports: Partial<Record<DocumentTier, TierReport>> = {};
  for (const name of DOCUMENT_TIERS) {
    const { report } = inspected[name];
    if (report.present || report.fault === "unreachable") continue;
    try {
      await put[name]({ document, cid: known.cid, encryptionKeyId: await encryptionKeyOf(document, env) });
      reports[name] = { present: true, hash: name === "ipfs" ? known.cid : known.id };
      log.warn("document.rehydrated", { documentId: known.id, tier: name, fault: report.fault });
    } catch (error) {
      const detail = `${report.detail ?? ""}; could not be restored: ${reasonText(error)}`;
      reports[name] = { ...report, detail };
      log.error("document.rehydration_failed", {
        documentId: known.id,
        tier: name,
        error: errorText(error),
      });
    }
  }
  return reports;
}

/**
 * Replaces exactly the object that was inspected, because another call may restore it at the same moment. Wrong bytes are kept
 * first.
 */
async function putIntoR2(owned: OwnedDocument, { instead }: InspectedDocument, { R2 }: Env): Promise<void> {
  const { id } = owned.document;
  if (instead?.wrongBytes !== undefined && instead.wrongBytes.length > 0)
    await createOnly(
      R2,
      r2Keys.documentEvidence(id, await sha256HexOfFile(instead.wrongBytes)),
      instead.wrongBytes,
    );
  const isPut =
    instead === undefined ? await createDocument(R2, owned) : await replaceDocument(R2, owned, instead.etag);
  if (!isPut) throw new Error("R2 holds something else by now: verify it again");
}

/** @throws Error when no block registers the owner with the key to which the document is encrypted */
async function encryptionKeyOf({ owner, envelope }: DocumentRecord, env: Env): Promise<string> {
  const key = await registeredKeyOf(owner, env);
  if (key === undefined) throw new Error("no block registers its owner");
  if (key !== envelope.kid) throw new Error("it is not encrypted to the key that its owner registered");
  return key;
}

/** Returns the id of a user's encryption key; `undefined` when no block registers the user. */
export async function registeredKeyOf(userId: string, env: Env): Promise<string | undefined> {
  const { users } = await chainHead(env).ledger({ assetIds: [], userIds: [userId] });
  return users.find((user) => user.userId === userId)?.encryptionKeyId;
}

type ReportWithoutStatus = Omit<DocumentReport, "status" | "message">;

function statusOf(report: ReportWithoutStatus): BlockStatus {
  const reports = DOCUMENT_TIERS.map((name) => report[name]);
  if (reports.every(({ present }) => present))
    return Object.keys(report.rehydrated).length > 0 ? "rehydrated" : "ok";
  const lost =
    report.source === null && reports.every(({ present, fault }) => !present && fault !== "unreachable");
  return lost ? "failed" : "partial";
}

function messageOf(report: ReportWithoutStatus, status: BlockStatus, repair: boolean): string {
  const wrong = DOCUMENT_TIERS.filter((name) => !report[name].present)
    .map((name) => `${name} ${report[name].fault ?? "missing"}`)
    .join(", ");
  if (status === "ok") return "Document present in R2 and on IPFS";
  if (status === "rehydrated")
    return `Restored from ${report.source ?? "the supplied copy"}: ${Object.entries(report.rehydrated)
      .map(([name, fault]) => `${name} (${fault})`)
      .join(", ")}`;
  if (status === "failed")
    return `No tier has a sound copy (${wrong}). Bring one from an export: vdc storage bring-documents <folder>`;
  if (report.source === null && DOCUMENT_TIERS.every((name) => !report[name].present))
    return `No sound copy could be read now (${wrong}). Verify again when every tier can be reached`;
  return repair
    ? `Not all could be restored (${wrong}). Verify again when the tier can be reached and written`
    : `Not complete (${wrong}). Verify with repair to restore it`;
}
