import { fromUtf8, readAtMost } from "../crypto/bytes.ts";
import { parseCheckpoint, type Checkpoint } from "../tlog/checkpoint.ts";
import { verifySignature, type CheckpointSignature } from "../tlog/cosignature.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { parseNote, parseSignatures, type NoteSignature } from "../tlog/note.ts";
import type { TlogPolicy } from "../tlog/policy.ts";
import type { VerifierKey } from "../tlog/vkey.ts";
import { addCheckpointText, MAX_ANSWER_BYTES, parseSizeText, SIZE_TYPE } from "./add-checkpoint.ts";

/** A witness's address, with every key that the policy has for it: one request may bring a signature of each. */
export interface WitnessSite {
  /** Prefix of `/add-checkpoint`. */
  readonly url: string;
  readonly keys: readonly VerifierKey[];
}

/** Returns the witnesses of a policy that have an address, one for each address. */
export function witnessSites({ witnesses }: TlogPolicy): WitnessSite[] {
  const sites = Map.groupBy(
    witnesses.flatMap(({ url, key }) => (url === undefined ? [] : [{ url: withoutSlash(url), key }])),
    ({ url }) => url,
  );
  return [...sites].map(([url, members]) => ({ url, keys: members.map(({ key }) => key) }));
}

export interface CosignOptions {
  /** Size that the witness cosigned last, as far as the caller knows; 0 at first. */
  readonly oldSize: number;
  /** Makes the RFC 6962 §2.1.2 proof from a size to the note's. Called for sizes from 1 to the note's size − 1 only. */
  readonly proofFrom: (oldSize: number) => Promise<readonly Uint8Array[]>;
  readonly fetch: (url: string, request: RequestInit) => Promise<Response>;
  /** Limit for everything: proofs, the request and its repeat. */
  readonly deadlineMs?: number;
  /** Makes a signal that aborts after a time; `AbortSignal.timeout`, but for tests. */
  readonly timeout?: (milliseconds: number) => AbortSignal;
}

export type Cosigning =
  /** Every line and its signature verify with a key of the site. `size` is the next call's `oldSize`. */
  | {
      readonly kind: "cosigned";
      readonly size: number;
      readonly lines: readonly NoteSignature[];
      readonly signatures: readonly CheckpointSignature[];
    }
  /** The witness has cosigned a larger tree of this log, so it has seen a note that the caller does not know. */
  | { readonly kind: "ahead"; readonly size: number }
  /** The witness did not answer within the deadline. It may have cosigned: the next call finds out. */
  | { readonly kind: "late" }
  /** 422 means that the witness knows another history of this log. */
  | { readonly kind: "refused"; readonly status: number; readonly detail: string }
  /** The witness answered 200 without a valid cosignature. */
  | { readonly kind: "wrong_signature"; readonly detail: string }
  | { readonly kind: "unreachable"; readonly detail: string };

const DEADLINE_MS = 2_000;
const MAX_DETAIL = 200;

/**
 * Asks a witness to cosign a note: C2SP tlog-witness. Asks once more when the witness answers that its size is another.
 * @throws what `proofFrom` throws, and InvalidLog when the note is malformed; never for anything that the witness does
 */
export async function cosign(site: WitnessSite, note: string, options: CosignOptions): Promise<Cosigning> {
  const { deadlineMs = DEADLINE_MS, timeout = (ms: number) => AbortSignal.timeout(ms) } = options;
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const signal = timeout(deadlineMs);
  const late = Promise.withResolvers<Cosigning>();
  const onAbort = () => late.resolve({ kind: "late" });
  signal.addEventListener("abort", onAbort);
  try {
    if (signal.aborted) return { kind: "late" };
    return await Promise.race([ask(site, note, checkpoint, options, signal), late.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function ask(
  site: WitnessSite,
  note: string,
  checkpoint: Checkpoint,
  { oldSize, proofFrom, fetch }: CosignOptions,
  signal: AbortSignal,
): Promise<Cosigning> {
  const attempt = async (from: number): Promise<Answer | Cosigning> => {
    if (from > checkpoint.size) return { kind: "ahead", size: from };
    const proof = from === 0 || from === checkpoint.size ? [] : await proofFrom(from);
    return post(site.url, addCheckpointText({ oldSize: from, proof, note }), fetch, signal);
  };
  const first = await attempt(Math.min(oldSize, checkpoint.size));
  if ("kind" in first) return first;
  const size = witnessSize(first);
  const last = size === undefined ? first : await attempt(size);
  if ("kind" in last) return last;
  if (last.status === 200) return verified(last.body, site.keys, checkpoint);
  return { kind: "refused", status: last.status, detail: last.body.slice(0, MAX_DETAIL).trim() };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function post(
  url: string,
  body: string,
  fetch: CosignOptions["fetch"],
  signal: AbortSignal,
): Promise<Answer | Cosigning> {
  try {
    const response = await fetch(`${withoutSlash(url)}/add-checkpoint`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body,
      signal,
      redirect: "manual", // a note is sent to the address of the policy, and nowhere else
    });
    const bytes = await readAtMost(response.body, MAX_ANSWER_BYTES);
    if (bytes === undefined)
      return {
        kind: "refused",
        status: response.status,
        detail: `an answer of more than ${MAX_ANSWER_BYTES} bytes`,
      };
    const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
    return { status: response.status, type, body: textOf(bytes) };
  } catch (error) {
    if (signal.aborted) return { kind: "late" };
    return { kind: "unreachable", detail: error instanceof Error ? error.message.slice(0, MAX_DETAIL) : "" };
  }
}

function witnessSize({ status, type, body }: Answer): number | undefined {
  return status === 409 && type === SIZE_TYPE ? parseSizeText(body) : undefined;
}

/** Verifies the cosignatures of the site's keys. Lines of other keys are left out; a wrong line spoils the answer. */
async function verified(
  body: string,
  keys: readonly VerifierKey[],
  checkpoint: Checkpoint,
): Promise<Cosigning> {
  const lines: NoteSignature[] = [];
  const signatures: CheckpointSignature[] = [];
  for (const line of linesOf(body)) {
    const key = keys.find(({ name, id }) => name === line.name && id === line.keyId);
    if (key === undefined || signatures.some((earlier) => earlier.key === key)) continue;
    const signature = await verifySignature(key, checkpoint, line);
    if (signature === undefined)
      return { kind: "wrong_signature", detail: `the signature of ${key.name} (${key.id}) does not verify` };
    lines.push(line);
    signatures.push(signature);
  }
  if (lines.length === 0)
    return { kind: "wrong_signature", detail: "the answer has no signature of a key that the policy names" };
  return { kind: "cosigned", size: checkpoint.size, lines, signatures };
}

/** Malformed lines are no signatures. */
function linesOf(body: string): NoteSignature[] {
  try {
    return parseSignatures(body);
  } catch (error) {
    if (error instanceof InvalidLog) return [];
    throw error;
  }
}

/** Bytes that are no UTF-8 are neither a size nor signature lines. */
function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return "";
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
