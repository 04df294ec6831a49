// What a dishonest operator, or a user, can make: blocks and submissions that are rightly signed, whatever they hold.
// Like the verifier beside it, written from docs/format.md alone.
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
} from "./independent-verifier.ts";

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

/** An attacker's or the operator's work: all roots and the hash are made to fit, and the block is signed. */
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

/** As a user submits it: under the id of chain, key and contents, and signed. */
export function submittedBy(key: ExampleKey, transaction: Transaction, chainId = "vdc-example"): Transaction {
  return signedBy(key, { ...transaction, id: userTxId(chainId, key.keyId, transaction) });
}

/** Signed under whatever id it has. */
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

/** Every place of a JSON value, the value itself first. */
export function* places(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(value))
    yield* places(member, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** A copy with the value at this place replaced; `undefined` removes it. */
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

/** Another value of the same kind: a digit or letter changed, a number one off. */
export function other(value: Json): Json {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") {
    const middle = Math.floor(value.length / 2);
    return value.slice(0, middle) + (value[middle] === "b" ? "c" : "b") + value.slice(middle + 1);
  }
  if (Array.isArray(value)) return [...value, ...value, null];
  return { ...(value as Members), unknown: 1 };
}
