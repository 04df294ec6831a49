// Makes blocks and submissions with right signatures and any contents, as a dishonest operator or user could. Like the
// verifier beside it, this file follows docs/format.md alone.
import { sign, type KeyObject } from "node:crypto";
import {
  asJson,
  bytesOf,
  canonicalBytes,
  headerHash,
  hex,
  root,
  signingPrivateKey,
  userTxId,
  type Block,
  type Json,
  type Members,
  type Transaction,
} from "../../support/chain/independent-verifier.ts";

export interface ExampleKey {
  seed: string;
  publicKey: string;
  keyId: string;
}

const secrets = new Map<string, KeyObject>(); // by seed

export function signature(message: Uint8Array, context: string, key: ExampleKey): string {
  const secret = secrets.get(key.seed) ?? signingPrivateKey(Buffer.from(key.seed, "hex"));
  secrets.set(key.seed, secret);
  return sign(null, message, { key: secret, context: bytesOf(context) }).toString("base64url");
}

/** Makes all roots and the hash fit the block, and signs it, as an attacker or the operator could. */
export function sealed(block: Block, key: ExampleKey): Block {
  const transactions = block.transactions.map((transaction) => canonicalBytes(asJson(transaction)));
  const header = {
    ...block,
    transactionCount: block.transactions.length,
    merkleRoot: hex(root(transactions)),
  };
  const signed = { ...header, hash: headerHash(header) };
  return {
    ...signed,
    blockSignature: {
      ...block.blockSignature,
      keyId: key.keyId,
      signature: signature(Buffer.from(signed.hash, "hex"), "vdc/block/v1", key),
    },
  };
}

/** Signs the transaction as a user submits it. The id follows from chain, key and contents. */
export function submittedBy(key: ExampleKey, transaction: Transaction, chainId = "vdc-example"): Transaction {
  return signedBy(key, { ...transaction, id: userTxId(chainId, key.keyId, transaction) });
}

/** Signs the transaction under the id that it has. */
export function signedBy(
  key: ExampleKey,
  transaction: Transaction,
  context = "vdc/transaction/v1",
): Transaction {
  const { signatures: _, ...signed } = transaction;
  const user = {
    algorithm: "ML-DSA-44",
    keyId: key.keyId,
    publicKey: key.publicKey,
    signature: signature(canonicalBytes(asJson(signed)), context, key),
  };
  return { ...transaction, signatures: { user } };
}

export const stored = (block: object) => canonicalBytes(asJson(block));

/** Yields the path of every value inside a JSON value, the value itself first. */
export function* places(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(value))
    yield* places(member, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** Returns a copy with another value at this path. `undefined` removes the value. */
export function changed(
  value: Json,
  path: (string | number)[],
  replace: (old: Json) => Json | undefined,
): Json {
  const copy = structuredClone<{ value: Json }>({ value });
  const names = ["value", ...path];
  let holder = copy as unknown as Record<string | number, Json>;
  for (const name of names.slice(0, -1)) holder = holder[name] as Record<string | number, Json>;
  const last = names.at(-1) ?? "value";
  const replaced = replace(holder[last] ?? null);
  if (replaced !== undefined) holder[last] = replaced;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy.value;
}

/** Returns another value of the same kind: one digit or letter changed, or a number increased by one. */
export function other(value: Json): Json {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") {
    const middle = Math.floor(value.length / 2);
    return value.slice(0, middle) + (value[middle] === "b" ? "c" : "b") + value.slice(middle + 1);
  }
  if (Array.isArray(value)) return [...value, ...value, null];
  return { ...(value as Members), unknown: 1 };
}
