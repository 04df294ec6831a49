import * as v from "valibot";
import { SEALED_NAMES } from "../chain/sealed-names.ts";
import { Envelope } from "../crypto/envelope.ts";
import { kvKeys, r2Keys } from "./layout.ts";
import type { TierName } from "./tier.ts";

/** Where a kind of data may be kept, and how. Specification, "Storage Policies". */
export interface Policy {
  /** Its key in this tier; null: it is never there. */
  readonly kv: ((id: never) => string) | null;
  readonly r2: ((id: never) => string) | null;
  /** Pinned, so public for ever. */
  readonly ipfs: boolean;
  /** Whose key it is sealed to; none: it is public. */
  readonly encryption: "none" | "system" | "user";
  /** What its envelope is sealed as, so that it passes for nothing else; null: it is in no envelope. */
  readonly sealedAs: ((of: string) => string) | null;
}

const { transaction, document, activation, userMetadata } = SEALED_NAMES;

// A set-aside transaction is the same object under another key: `set-aside/{txId}.json` is copied from `pending/` as it is.
export const POLICIES = {
  chain_block: { kv: kvKeys.block, r2: r2Keys.block, ipfs: true, encryption: "none", sealedAs: null },
  pending_transaction: {
    kv: null,
    r2: r2Keys.pending,
    ipfs: false,
    encryption: "system",
    sealedAs: transaction,
  },
  signed_intent: { kv: null, r2: r2Keys.intent, ipfs: false, encryption: "system", sealedAs: transaction },
  document: { kv: null, r2: r2Keys.document, ipfs: true, encryption: "user", sealedAs: document },
  activation_token: {
    kv: null,
    r2: r2Keys.activation,
    ipfs: false,
    encryption: "system",
    sealedAs: activation,
  },
  user_metadata: { kv: kvKeys.user, r2: null, ipfs: false, encryption: "user", sealedAs: userMetadata },
} as const satisfies Record<string, Policy>;

export type Kind = keyof typeof POLICIES;

/** Code was about to keep something where, or as, it must never be kept. Nothing was written. */
export class PolicyViolation extends Error {
  override readonly name = "PolicyViolation";
}

/** The envelope of a thing, as far as a policy looks at it: its ciphertext may be elsewhere. */
export const EnvelopeHeader = v.object(v.omit(Envelope, ["ct"]).entries);
export type EnvelopeHeader = v.InferOutput<typeof EnvelopeHeader>;

export interface SealedIn {
  readonly envelope: EnvelopeHeader;
  /** Whose it is, where its id does not say so: the user id of a document's owner. */
  readonly of?: string;
  /** Key id of the user's registered encryption key: what is for a user is sealed to that one. */
  readonly sealedTo?: string;
}

/**
 * The key to write a public thing under.
 * @throws PolicyViolation for what must be encrypted, or is not kept in this tier
 */
export function publicKeyIn(tier: "kv" | "r2", kind: Kind, id: string | number): string {
  if (policyOf(kind).encryption !== "none")
    throw new PolicyViolation(`a ${kind} is kept in an envelope, never in clear`);
  return keyIn(tier, kind, id);
}

/**
 * The key to write a sealed thing under.
 * @throws PolicyViolation for what is public, is not kept in this tier, or is not in an envelope of its own
 */
export function sealedKeyIn(tier: "kv" | "r2", kind: Kind, id: string, sealed: SealedIn): string {
  checkSealed(kind, id, sealed);
  return keyIn(tier, kind, id);
}

/** @throws PolicyViolation for what is not sealed as its policy says */
export function checkSealed(kind: Kind, id: string, { envelope, of = id, sealedTo }: SealedIn): void {
  const { encryption, sealedAs } = policyOf(kind);
  if (encryption === "none" || sealedAs === null)
    throw new PolicyViolation(`a ${kind} is public: it is never kept in an envelope`);
  if (!v.is(EnvelopeHeader, envelope)) throw new PolicyViolation(`a ${kind} is kept in an envelope`);
  if (envelope.txId !== sealedAs(of))
    throw new PolicyViolation(`this ${kind} is in an envelope that was sealed as something else`);
  if (encryption === "user" && sealedTo === undefined)
    throw new PolicyViolation(`a ${kind} is sealed to its user's key: say which key that is`);
  if (sealedTo !== undefined && envelope.kid !== sealedTo)
    throw new PolicyViolation(`this ${kind} is sealed to another key`);
}

/** @throws PolicyViolation for what must never be pinned */
export function checkPinnable(kind: Kind): void {
  if (!policyOf(kind).ipfs) throw new PolicyViolation(`a ${kind} is never kept in ipfs`);
}

/** The tiers that this kind of data is kept in. */
export function tiersFor(kind: Kind): readonly TierName[] {
  const { kv, r2, ipfs } = policyOf(kind);
  return [
    ...(kv ? (["kv"] as const) : []),
    ...(r2 ? (["r2"] as const) : []),
    ...(ipfs ? (["ipfs"] as const) : []),
  ];
}

function keyIn(tier: "kv" | "r2", kind: Kind, id: string | number): string {
  const key = policyOf(kind)[tier];
  if (key === null) throw new PolicyViolation(`a ${kind} is never kept in ${tier}`);
  return key(id as never);
}

function policyOf(kind: Kind): Policy {
  if (!Object.hasOwn(POLICIES, kind)) throw new PolicyViolation(`there is no policy for ${kind as string}`);
  return POLICIES[kind];
}
