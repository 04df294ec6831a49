import * as v from "valibot";
import { SEALED_NAMES } from "../chain/sealed-names.ts";
import { Envelope } from "../crypto/envelope.ts";
import { kvKeys, r2Keys } from "./layout.ts";
import type { TierName } from "./tier.ts";

/** The tiers in which a kind of data may be stored, and in which form. Specification, "Storage Policies". */
export interface Policy {
  /** The key in this tier; null when this tier never holds the kind. */
  readonly kv: ((id: never) => string) | null;
  readonly r2: ((id: never) => string) | null;
  /** Pinned on IPFS, so public for ever. */
  readonly ipfs: boolean;
  /** The holder of the key that it is sealed to; `none` for public data. */
  readonly encryption: "none" | "system" | "user";
  /** The name that its envelope is sealed as, so that it passes for no other kind; null for data without an envelope. */
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

/** The code tried to store or pin data against its policy. Nothing was written. */
export class PolicyViolation extends Error {
  override readonly name = "PolicyViolation";
}

/** The part of an envelope that a policy checks; the ciphertext may be stored elsewhere. */
export const EnvelopeHeader = v.object(v.omit(Envelope, ["ct"]).entries);
export type EnvelopeHeader = v.InferOutput<typeof EnvelopeHeader>;

export interface SealedIn {
  readonly envelope: EnvelopeHeader;
  /** The owner where the id does not name them: the user id of a document's owner. */
  readonly of?: string;
  /** Key id of the user's registered encryption key, to which data for a user must be sealed. */
  readonly sealedTo?: string;
}

/**
 * The key under which to write public data.
 * @throws PolicyViolation for a kind that must be encrypted, or that this tier never holds
 */
export function publicKeyIn(tier: "kv" | "r2", kind: Kind, id: string | number): string {
  if (policyOf(kind).encryption !== "none")
    throw new PolicyViolation(`a ${kind} is kept in an envelope, never in clear`);
  return keyIn(tier, kind, id);
}

/**
 * The key under which to write sealed data.
 * @throws PolicyViolation for a public kind, a kind that this tier never holds, or an envelope that is not its own
 */
export function sealedKeyIn(tier: "kv" | "r2", kind: Kind, id: string, sealed: SealedIn): string {
  checkSealed(kind, id, sealed);
  return keyIn(tier, kind, id);
}

/** @throws PolicyViolation when the envelope is not sealed as the policy requires */
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

/** @throws PolicyViolation for a kind that must never be pinned */
export function checkPinnable(kind: Kind): void {
  if (!policyOf(kind).ipfs) throw new PolicyViolation(`a ${kind} is never kept in ipfs`);
}

/** The tiers that hold this kind of data. */
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
