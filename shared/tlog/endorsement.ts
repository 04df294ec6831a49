import * as v from "valibot";
import { base64url, fromBase64url } from "../crypto/bytes.ts";
import { canonicalBytes } from "../crypto/canonical.ts";
import { LOG_KEY } from "../crypto/contexts.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { issuesText } from "../schema/issue-text.ts";
import { isOrigin } from "./checkpoint.ts";
import { InvalidLog } from "./invalid-log.ts";
import { ED25519, ML_DSA_44_COSIGNATURE, parseVkey, type VerifierKey } from "./vkey.ts";

const Sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Vkey = v.pipe(v.string(), v.maxLength(3_000));

/** The name of the log of transactions, after the origin of the log of blocks. */
export const TRANSACTIONS_SUFFIX = "/tx";

/** The statement that the block key signs: these keys sign the chain's two logs from this size on. */
export const LogKeyStatement = v.strictObject({
  chainId: v.string(),
  /** Size of the log of blocks from which on these keys sign. */
  fromSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  genesisHash: Sha256Hex,
  origin: v.pipe(v.string(), v.check(isOrigin, "expected the origin of a log")),
  /** Ed25519 and ML-DSA-44 of the log of blocks, then both of the log of transactions. */
  vkeys: v.pipe(v.array(Vkey), v.length(4)),
});
export type LogKeyStatement = v.InferOutput<typeof LogKeyStatement>;

/** The block key's word that these keys are the log's. */
export const LogEndorsement = v.strictObject({
  ...LogKeyStatement.entries,
  /** Id of the block key that signed. */
  keyId: Sha256Hex,
  /** ML-DSA-44, context `vdc/log-key/v1`, over the canonical statement; base64url. */
  signature: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/)),
});
export type LogEndorsement = v.InferOutput<typeof LogEndorsement>;

/** The contents of `/log/keys.json`: the newest endorsement last. */
export const LogKeys = v.strictObject({
  format: v.literal("vdc-log-keys@1"),
  endorsements: v.array(LogEndorsement),
});
export type LogKeys = v.InferOutput<typeof LogKeys>;

/** The keys of the two logs, as verifiers use them. */
export interface EndorsedKeys {
  readonly blocks: readonly VerifierKey[];
  readonly transactions: readonly VerifierKey[];
}

/** The bytes that the block key signs. */
export function statementBytes(statement: LogKeyStatement): Uint8Array<ArrayBuffer> {
  const { chainId, fromSize, genesisHash, origin, vkeys } = statement;
  return canonicalBytes({ chainId, fromSize, genesisHash, origin, vkeys });
}

/** Signs the statement. Call it once and keep the result: the signature is hedged. */
export async function endorse(
  statement: LogKeyStatement,
  signer: { readonly keyId: string; sign(message: Uint8Array, context: string): Promise<Uint8Array> },
): Promise<LogEndorsement> {
  const signature = await signer.sign(statementBytes(statement), LOG_KEY);
  return { ...statement, keyId: signer.keyId, signature: base64url(signature) };
}

/**
 * Verifies an endorsement.
 * @param expected chain and genesis that the verifier trusts
 * @param blockKey public key of a signing key of this chain in base64url, by its id; `undefined` for an unknown key
 * @throws InvalidLog "malformed_endorsement" or "wrong_endorsement"
 */
export async function verifyEndorsement(
  endorsement: unknown,
  expected: { readonly chainId: string; readonly genesisHash: string },
  blockKey: (keyId: string) => string | undefined,
): Promise<EndorsedKeys> {
  const parsed = v.safeParse(LogEndorsement, endorsement);
  if (!parsed.success)
    throw new InvalidLog("malformed_endorsement", issuesText(parsed.issues, "the endorsement"));
  const { keyId, signature, ...statement } = parsed.output;
  if (statement.chainId !== expected.chainId || statement.genesisHash !== expected.genesisHash)
    throw new InvalidLog("wrong_endorsement", "the endorsement is for the log of another chain");
  const publicKey = blockKey(keyId);
  if (publicKey === undefined)
    throw new InvalidLog("wrong_endorsement", `the chain has no signing key ${keyId}`);
  if (!(await verify(decoded(signature), statementBytes(statement), decoded(publicKey), LOG_KEY)))
    throw new InvalidLog("wrong_endorsement", "the signature of the endorsement does not verify");
  return keysOf(statement);
}

/** @throws InvalidLog("malformed_endorsement") unless the keys are those of the two logs, in their order */
export function keysOf({ origin, vkeys }: Pick<LogKeyStatement, "origin" | "vkeys">): EndorsedKeys {
  const keys = vkeys.map(parseVkey);
  const isRight = keys.every(
    ({ name, type }, i) =>
      name === (i < 2 ? origin : `${origin}${TRANSACTIONS_SUFFIX}`) &&
      type === (i % 2 === 0 ? ED25519 : ML_DSA_44_COSIGNATURE),
  );
  if (!isRight)
    throw new InvalidLog("malformed_endorsement", "its keys are not those of the two logs, in their order");
  return { blocks: keys.slice(0, 2), transactions: keys.slice(2) };
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text);
  } catch {
    return new Uint8Array(0); // a valid signature or key is never empty, so verification answers false
  }
}
