import { decode, encode, rfc8949EncodeOptions, Tagged } from "cborg";
import { verifyInclusion } from "../chain/merkle.ts";
import { fromHex, hex } from "../crypto/bytes.ts";
import { verifyEd25519 } from "../crypto/ed25519.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { InvalidLog } from "./invalid-log.ts";
import { ED25519, ML_DSA_44_COSIGNATURE, type VerifierKey } from "./vkey.ts";

// COSE header parameters and values: RFC 9052 §3.1, RFC 9942 §5, IANA "COSE Header Parameters".
const ALG = 1;
const KID = 4;
const VDS = 395;
const VDP = 396;
const RFC9162_SHA256 = 1;
const INCLUSION_PROOFS = -1;
const COSE_SIGN1 = 18;

/** COSE algorithms: RFC 9864 (Ed25519) and RFC 9964 (ML-DSA-44), by the type of the log's key. */
const ALGORITHMS = { [ED25519]: -19, [ML_DSA_44_COSIGNATURE]: -48 } as const;
type ReceiptKeyType = keyof typeof ALGORITHMS;

const NO_CONTEXT = "";
const MAX_RECEIPTS_BYTES = 20_000;
const MAX_RECEIPTS = 8;

/** The log's signature over a root, for receipts of every entry below it. It is made once for each checkpoint. */
export interface RootSignature {
  /** Id of the log's key: 8 hex digits. */
  readonly keyId: string;
  readonly type: ReceiptKeyType;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** An entry's place in a log. */
export interface EntryPlace {
  readonly size: number;
  readonly index: number;
  /** The leaf's sibling first. */
  readonly path: readonly Uint8Array[];
}

/** The bytes that a receipt signs: Sig_structure of RFC 9052 §4.4, whose payload is the root. */
export function receiptMessage(
  type: ReceiptKeyType,
  keyId: string,
  root: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return cbor(["Signature1", protectedHeader(type, keyId), new Uint8Array(), root]);
}

/**
 * Receipts of inclusion (RFC 9942 §5.2): a CBOR array with one COSE_Sign1 for each signature. The payload, the root, is left
 * out: a verifier computes it from the entry.
 */
export function receiptsOf(
  signatures: readonly RootSignature[],
  { size, index, path }: EntryPlace,
): Uint8Array<ArrayBuffer> {
  const proof = cbor([size, index, [...path]]);
  const unprotected = new Map([[VDP, new Map([[INCLUSION_PROOFS, [proof]]])]]);
  return cbor(
    signatures.map(
      ({ type, keyId, signature }) =>
        new Tagged(COSE_SIGN1, [protectedHeader(type, keyId), unprotected, null, signature]),
    ),
  );
}

/** A receipt, read but not verified. */
export interface Receipt extends EntryPlace {
  readonly type: ReceiptKeyType;
  readonly keyId: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** @throws InvalidLog("malformed_proof") unless the bytes are receipts as `receiptsOf` writes them */
export function parseReceipts(bytes: Uint8Array): Receipt[] {
  if (bytes.length > MAX_RECEIPTS_BYTES) throw malformed(`they have more than ${MAX_RECEIPTS_BYTES} bytes`);
  const receipts = decoded(bytes);
  if (!Array.isArray(receipts) || receipts.length === 0 || receipts.length > MAX_RECEIPTS)
    throw malformed(`they are no array of 1 to ${MAX_RECEIPTS} receipts`);
  return receipts.map(readReceipt);
}

/**
 * Verifies a receipt of an entry.
 * @param leafHash RFC 6962 §2.1 hash of the entry
 * @param root of the log at the receipt's size
 * @throws InvalidLog "not_included", "no_known_signature" or "wrong_signature"
 */
export async function verifyReceipt(
  { type, keyId, signature, size, index, path }: Receipt,
  leafHash: Uint8Array,
  root: Uint8Array,
  keys: readonly VerifierKey[],
): Promise<VerifierKey> {
  if (!verifyInclusion({ leafIndex: index, treeSize: size, leafHash, proof: path, root }))
    throw new InvalidLog("not_included", "the receipt's path does not lead from the entry to the root");
  const key = keys.find((known) => known.id === keyId && known.type === type);
  if (key === undefined)
    throw new InvalidLog("no_known_signature", `no known key ${keyId} signed the receipt`);
  const message = receiptMessage(type, keyId, root);
  const isValid =
    type === ED25519
      ? await verifyEd25519(signature, message, key.publicKey)
      : await verify(signature, message, key.publicKey, NO_CONTEXT);
  if (!isValid)
    throw new InvalidLog("wrong_signature", `the receipt's signature of ${key.name} does not verify`);
  return key;
}

function protectedHeader(type: ReceiptKeyType, keyId: string): Uint8Array<ArrayBuffer> {
  return cbor(
    new Map<number, unknown>([
      [ALG, ALGORITHMS[type]],
      [VDS, RFC9162_SHA256],
      [KID, fromHex(keyId)],
    ]),
  );
}

function readReceipt(value: unknown): Receipt {
  if (!(value instanceof Tagged) || value.tag !== COSE_SIGN1 || !Array.isArray(value.value))
    throw malformed("a receipt is no COSE_Sign1");
  const [protectedBytes, unprotected, payload, signature] = value.value as unknown[];
  if (payload !== null || !(unprotected instanceof Map) || !isBytes(protectedBytes) || !isBytes(signature))
    throw malformed("a receipt has not the four parts of a COSE_Sign1 without payload");
  const header = decoded(protectedBytes);
  if (!(header instanceof Map) || header.get(VDS) !== RFC9162_SHA256)
    throw malformed("a receipt is not of a tree of RFC 9162 with SHA-256");
  const type = [ED25519, ML_DSA_44_COSIGNATURE].find(
    (known): known is ReceiptKeyType => ALGORITHMS[known as ReceiptKeyType] === header.get(ALG),
  );
  const kid: unknown = header.get(KID);
  if (type === undefined || !isBytes(kid) || kid.length !== 4)
    throw malformed("a receipt names an algorithm or a key that this verifier does not know");
  const keyId = hex(kid);
  // The verifier signs over its own spelling of the header, so another spelling must not pass.
  if (hex(protectedHeader(type, keyId)) !== hex(protectedBytes))
    throw malformed("a receipt's protected header has other members");
  return { type, keyId, signature: Uint8Array.from(signature), ...placeIn(unprotected) };
}

function placeIn(unprotected: ReadonlyMap<unknown, unknown>): EntryPlace {
  const proofs: unknown = unprotected.get(VDP);
  const [bytes] = (proofs instanceof Map ? proofs.get(INCLUSION_PROOFS) : undefined) ?? [];
  const proof = isBytes(bytes) ? decoded(bytes) : undefined;
  const [size, index, path] = Array.isArray(proof) ? (proof as unknown[]) : [];
  if (
    !isNatural(size) ||
    !isNatural(index) ||
    !Array.isArray(path) ||
    !path.every(isBytes) ||
    path.length > 63
  )
    throw malformed("a receipt has no inclusion proof");
  return { size, index, path };
}

function cbor(value: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encode(value, rfc8949EncodeOptions));
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      useMaps: true,
      rejectDuplicateMapKeys: true,
      strict: true,
      tags: Tagged.preserve(COSE_SIGN1),
    }) as unknown;
  } catch {
    throw malformed("they are not CBOR");
  }
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_proof", `the receipts: ${detail}`);
}

/** Media type of receipts. */
export const RECEIPTS_TYPE = "application/cose";
