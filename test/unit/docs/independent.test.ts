// The verifier that was written from docs/format.md alone accepts the worked example and refuses what was tampered with.
import { createCipheriv, createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Json,
  type Members,
  Refused,
  bytesOf,
  sha256,
  hex,
  canonicalBytes,
  decode,
  type Algorithm,
  keyId,
  HEADER,
  type Transaction,
  type Block,
  asJson,
  txIdOf,
  leaf,
  node,
  root,
  auditPathHolds,
  headerHash,
  verifyChain,
  cidV0,
  bytesOfRecord,
  openEnvelope,
  signingPrivateKey,
} from "../../support/independent-verifier.ts";

// --- The worked example

const FIXTURES = join(import.meta.dirname, "../../fixtures");
const fixture = (path: string) => JSON.parse(readFileSync(join(FIXTURES, path), "utf8")) as unknown;

interface ExampleKey {
  seed: string;
  publicKey: string;
  keyId: string;
}
const keys = fixture("worked-example/keys.json") as Record<
  "signing1" | "signing2" | "user" | "encryption",
  ExampleKey
>;
const { blocks: published } = fixture("worked-example/chain.json") as {
  blocks: { cid: string; bytes: string }[];
};
const example = published.map(({ bytes }) => bytesOf(bytes));
const blocks = example.map((bytes) => JSON.parse(bytes.toString()) as Block);
const GENESIS = "f69ead7c65ec454b91d618a3ff238910956dd07dc8d6c27723558022de17bc61";

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

const stripe = (object: string) => txIdOf({ source: "stripe", livemode: false, account: null, object });

describe("a verifier written from docs/format.md", () => {
  it("derives the key ids of the example", () => {
    for (const { publicKey, keyId: id } of [keys.signing1, keys.signing2, keys.user])
      expect(keyId("ML-DSA-44", Buffer.from(publicKey, "base64url"))).toBe(id);
    const { publicKey, keyId: id } = keys.encryption;
    expect(keyId("ML-KEM-768", Buffer.from(publicKey, "base64url"))).toBe(id);
  });

  it("verifies the example's chain, over its key rotation", () => {
    const verified = verifyChain(example, GENESIS);
    expect(verified.map(({ blockSignature }) => blockSignature.keyId)).toEqual([
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing2.keyId,
    ]);
  });

  it("derives the ids of the example's transactions from their sources", () => {
    expect(blocks.map(({ transactions }) => transactions.map((transaction) => transaction.id))).toEqual([
      [txIdOf({ source: "genesis", chainId: "vdc-example" })],
      [stripe("pi_example_1"), stripe("pi_example_2")],
      [
        txIdOf({ source: "key_rotation", chainId: "vdc-example", keyId: keys.signing2.keyId }),
        stripe("re_example_1"),
      ],
      [stripe("pi_example_4")],
    ]);
    expect(at(at(blocks, 2).transactions, 1).data.refunds).toBe(stripe("pi_example_2"));
  });

  it("computes the CIDs of the example's blocks", () => {
    expect(example.map(cidV0)).toEqual(published.map(({ cid }) => cid));
  });

  it("gets the block's bytes back from its KV record", () => {
    const { record } = fixture("worked-example/kv-record.json") as { record: Members };
    const bytes = bytesOfRecord(record);
    expect(bytes).toEqual(at(example, 1));
    expect(record.ipfsHash).toBe(cidV0(bytes));
  });

  it("opens the pending transaction, and finds its commitment in the block", () => {
    const { envelope, payload } = fixture("worked-example/pending.json") as {
      envelope: Members;
      payload: string;
    };
    const opened = openEnvelope(envelope, Buffer.from(keys.encryption.seed, "hex"));
    expect(opened.toString()).toBe(payload);
    const { transaction, private: hidden } = JSON.parse(payload) as {
      transaction: Transaction;
      private: { salt: string; part: Json };
    };
    expect(transaction).toEqual(at(at(blocks, 1).transactions, 0));
    const salt = decode(hidden.salt, 32) ?? Buffer.of();
    expect(hex(sha256(salt, canonicalBytes(hidden.part)))).toBe(transaction.privateCommitment);
    expect(envelope.txId).toBe(transaction.id);

    const changes: Members[] = [{ txId: "vdc_tx_other" }, { kid: keys.user.keyId }, { v: 2 }];
    for (const changed of changes)
      expect(() =>
        openEnvelope({ ...envelope, ...changed }, Buffer.from(keys.encryption.seed, "hex")),
      ).toThrow(/authenticate/);
  });

  it("checks that a transaction is in its block, and a block in a later one's history", () => {
    const { transactions, merkleRoot } = at(blocks, 1);
    const [first, second] = transactions.map((transaction) => leaf(canonicalBytes(asJson(transaction))));
    if (first === undefined || second === undefined) throw new Error("block 1 has two transactions");
    expect(auditPathHolds(0, 2, first, [second], merkleRoot)).toBe(true);
    expect(auditPathHolds(1, 2, first, [second], merkleRoot)).toBe(false);
    expect(auditPathHolds(0, 2, second, [second], merkleRoot)).toBe(false);
    expect(auditPathHolds(0, 2, first, [], merkleRoot)).toBe(false);
    expect(auditPathHolds(2, 2, first, [second], merkleRoot)).toBe(false);

    const [h0, h1, h2] = blocks.map((block) => leaf(Buffer.from(block.hash, "hex")));
    if (h0 === undefined || h1 === undefined || h2 === undefined) throw new Error("four blocks");
    const { historyRoot } = at(blocks, 3);
    expect(auditPathHolds(0, 3, h0, [h1, h2], historyRoot)).toBe(true);
    expect(auditPathHolds(1, 3, h1, [h0, h2], historyRoot)).toBe(true);
    expect(auditPathHolds(2, 3, h2, [node(h0, h1)], historyRoot)).toBe(true);
    expect(auditPathHolds(0, 3, h0, [h2, h1], historyRoot)).toBe(false);
  });
});

describe("its CIDs of larger files", () => {
  const { vectors } = fixture("cid.json") as {
    vectors: {
      small: { name: string; contentHex: string; cidV0: string }[];
      keystreamFiles: { name: string; size: number; seed: string; cidV0: string }[];
    };
  };

  it.each(vectors.small)("are those published: $name", ({ contentHex, cidV0: expected }) => {
    expect(cidV0(Buffer.from(contentHex, "hex"))).toBe(expected);
  });

  it.each(vectors.keystreamFiles)("are those published: $name", ({ seed, size, cidV0: expected }) => {
    const key = createHash("sha256").update(seed).digest();
    const bytes = createCipheriv("chacha20", key, Buffer.alloc(16)).update(Buffer.alloc(size));
    expect(cidV0(bytes)).toBe(expected);
  });
});

// --- Tampering

function signature(message: Uint8Array, context: string, key: ExampleKey): string {
  const secret = signingPrivateKey(Buffer.from(key.seed, "hex"));
  return sign(null, message, { key: secret, context: bytesOf(context) }).toString("base64url");
}

/** An attacker's or the operator's work: all roots and the hash are made to fit, and the block is signed. */
function sealed(block: Block, key: ExampleKey): Block {
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

function signedByUser(
  transaction: Transaction,
  context = "vdc/transaction/v1",
  key = keys.user,
): Transaction {
  const { signatures: _, ...signed } = transaction;
  const { publicKey, keyId: id } = key;
  const user = {
    algorithm: "ML-DSA-44",
    keyId: id,
    publicKey,
    signature: signature(canonicalBytes(asJson(signed)), context, key),
  };
  return { ...transaction, signatures: { user } };
}

const stored = (block: object) => canonicalBytes(asJson(block));

/** The example with one block replaced, up to this block. */
function faultOf(index: number, bytes: Uint8Array, genesisHash = GENESIS): string {
  try {
    verifyChain([...example.slice(0, index), bytes], genesisHash);
    return "accepted";
  } catch (error) {
    if (error instanceof Refused) return error.fault;
    throw error;
  }
}

/** A new block on top of the example, with these transactions. */
function next(transactions: Transaction[], members: Partial<Block> = {}): Block {
  const last = at(blocks, 3);
  return {
    ...last,
    blockNumber: 4,
    previousHash: last.hash,
    historyRoot: hex(root(blocks.map((block) => Buffer.from(block.hash, "hex")))),
    transactions,
    ...members,
  };
}

const newId = (n: number) => `vdc_tx_${String(n).padStart(40, "0")}`;
const plain = (n: number, type: string, data: Members): Transaction => ({
  id: newId(n),
  type,
  timestamp: 1_788_221_000_000,
  data,
  signatures: {},
});
const keyOf = (algorithm: Algorithm, { keyId: id, publicKey }: ExampleKey) => ({
  keyId: id,
  algorithm,
  publicKey,
});

/** Every place of a JSON value, the value itself first. */
function* places(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(value))
    yield* places(member, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** A copy with the value at this place replaced; `undefined` removes it. */
function changed(value: Json, path: (string | number)[], replace: (old: Json) => Json | undefined): Json {
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
function other(value: Json): Json {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") {
    const middle = Math.floor(value.length / 2);
    return value.slice(0, middle) + (value[middle] === "b" ? "c" : "b") + value.slice(middle + 1);
  }
  if (Array.isArray(value)) return [...value, ...value, null];
  return { ...(value as Members), unknown: 1 };
}

describe.each([0, 1, 2, 3])("block %i of the example, tampered with", (index) => {
  const block = asJson(at(blocks, index));
  const everywhere = [...places(block)].map((path) => ({ path, place: path.join(".") || "all of it" }));

  it.each(everywhere)("is refused when $place is another", ({ path }) => {
    expect(faultOf(index, stored(changed(block, path, other) as object))).not.toBe("accepted");
  });

  it.each(everywhere.slice(1))("is refused without $place", ({ path }) => {
    expect(faultOf(index, stored(changed(block, path, () => undefined) as object))).not.toBe("accepted");
  });

  it.each(everywhere)("is refused when $place is of another type", ({ path }) => {
    for (const odd of [null, true, -1, 0.5, "", [], {}]) {
      const bytes = canonicalBytes(changed(block, path, () => odd));
      if (!bytes.equals(at(example, index))) expect(faultOf(index, bytes)).not.toBe("accepted");
    }
  });

  it("is refused in any other spelling", () => {
    const bytes = at(example, index);
    const text = bytes.toString();
    const spellings = [
      ` ${text}`,
      `${text}\n`,
      `\uFEFF${text}`,
      text.slice(0, -1),
      text.replace(":", ": "),
      text.replace('"version":1', '"version":1.0'),
      text.replace('"version":1', '"version":1e0'),
      text.replace('"version":1', '"version":1,"version":1'),
      text.replace('"chainId":"v', '"chainId":"\\u0076'),
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as Members).toReversed())),
    ];
    for (const spelling of spellings) expect(faultOf(index, bytesOf(spelling))).toBe("not_a_block");
    expect(faultOf(index, Buffer.concat([bytes, Buffer.of(0xff)]))).toBe("not_a_block");
  });

  it("is refused with a signature that is cut, spelled otherwise, or over something else", () => {
    const original = at(blocks, index);
    const { signature: good, ...rest } = original.blockSignature;
    const wrong = [good.slice(0, -1), `${good}A`, `${good.slice(0, -1)}_`, good.toUpperCase(), "A"];
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    wrong.push(signature(Buffer.from(original.hash, "hex"), "vdc/transaction/v1", signer));
    wrong.push(signature(bytesOf(original.hash), "vdc/block/v1", signer));
    for (const bad of wrong) {
      const bytes = stored({ ...original, blockSignature: { ...rest, signature: bad } });
      expect(faultOf(index, bytes)).toBe("wrong_signature");
    }
  });

  it("is accepted with another signature of the same key, for signing is hedged", () => {
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    const again = stored(sealed(at(blocks, index), signer));
    expect(again.equals(at(example, index))).toBe(false);
    expect(faultOf(index, again)).toBe("accepted");
  });
});

describe("an attacker without the key", () => {
  it("can change no member of a header, though he computes the hash again", () => {
    const block = at(blocks, 1);
    for (const name of Object.keys(HEADER)) {
      const tampered = changed(asJson(block), [name], other) as unknown as Block;
      const fault = faultOf(1, stored({ ...tampered, hash: headerHash(tampered) }));
      expect(fault, name).toBe(
        {
          version: "not_a_block",
          timestamp: "wrong_signature",
          merkleRoot: "wrong_merkle_root",
          transactionCount: "wrong_count",
        }[name] ?? "wrong_place",
      );
    }
  });

  it("can't change a transaction, though he computes root and hash again", () => {
    const block = at(blocks, 1);
    const transactions = block.transactions.map((transaction) => ({ ...transaction, timestamp: 1 }));
    const { blockSignature: _, ...forged } = sealed({ ...block, transactions }, keys.user);
    const { blockSignature } = block;
    expect(faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't sign with a key of his own, nor under the name of another", () => {
    const forged = sealed(at(blocks, 1), keys.user);
    expect(faultOf(1, stored(forged))).toBe("unknown_key");
    const { keyId: known } = keys.signing1;
    const blockSignature = { ...forged.blockSignature, keyId: known };
    expect(faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't begin another chain in the place of genesis", () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const data = { ...transaction.data, signingKeys: [keyOf("ML-DSA-44", keys.user)] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(faultOf(0, stored(forged))).toBe("wrong_place");
    expect(faultOf(0, stored(forged), forged.hash)).toBe("accepted"); // so the hash must be known
  });

  it("can't give a known key id to his own key", () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const stolen = { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId };
    const data = { ...transaction.data, signingKeys: [stolen] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(faultOf(0, stored(forged), forged.hash)).toBe("not_a_block");
  });
});

describe("blocks out of place, rightly signed", () => {
  const payment = plain(1, "payment", {});

  it("are accepted when they follow all rules", () => {
    for (const key of [keys.signing1, keys.signing2])
      expect(faultOf(4, stored(sealed(next([payment]), key)))).toBe("accepted");
  });

  it.each([
    { members: { blockNumber: 5 } },
    { members: { blockNumber: 3 } },
    { members: { previousHash: at(blocks, 2).hash } },
    { members: { historyRoot: at(blocks, 3).historyRoot } },
    { members: { chainId: "other-chain" } },
    { members: { timestamp: at(blocks, 3).timestamp - 1 } },
  ])("are refused with $members", ({ members }) => {
    expect(faultOf(4, stored(sealed(next([payment], members), keys.signing2)))).toBe("wrong_place");
  });

  it("may have the time of the block before", () => {
    const { timestamp } = at(blocks, 3);
    expect(faultOf(4, stored(sealed(next([payment], { timestamp }), keys.signing2)))).toBe("accepted");
  });

  it("are refused when a block is left out, exchanged or repeated", () => {
    const orders = [[0, 2], [0, 1, 3], [1], [0, 2, 1], [0, 1, 1], [0, 0]];
    for (const order of orders)
      expect(() =>
        verifyChain(
          order.map((i) => at(example, i)),
          GENESIS,
        ),
      ).toThrow(Refused);
  });

  it("are refused with a transaction that stands in the chain already, or twice in the block", () => {
    const known = at(at(blocks, 1).transactions, 1);
    expect(faultOf(4, stored(sealed(next([known]), keys.signing2)))).toBe("wrong_place");
    expect(faultOf(4, stored(sealed(next([payment, payment]), keys.signing2)))).toBe("wrong_place");
  });

  it("are refused with a second genesis, or none in block 0", () => {
    const [genesis] = at(blocks, 0).transactions;
    if (genesis === undefined) throw new Error("block 0 has a transaction");
    const again = { ...genesis, id: newId(2) };
    expect(faultOf(4, stored(sealed(next([again]), keys.signing2)))).toBe("wrong_place");
    const without = sealed({ ...at(blocks, 0), transactions: [payment] }, keys.signing1);
    expect(faultOf(0, stored(without), without.hash)).toBe("wrong_place");
    const more = sealed({ ...at(blocks, 0), transactions: [genesis, payment] }, keys.signing1);
    expect(faultOf(0, stored(more), more.hash)).toBe("wrong_place");
    const foreign = sealed({ ...at(blocks, 0), chainId: "other-chain" }, keys.signing1);
    expect(faultOf(0, stored(foreign), foreign.hash)).toBe("wrong_place");
  });

  it("are refused without transactions", () => {
    expect(faultOf(4, stored(sealed(next([]), keys.signing2)))).toBe("not_a_block");
  });

  it("are refused when the key that signs is announced in this very block", () => {
    const rotation = plain(3, "key_rotation", keyOf("ML-DSA-44", keys.user));
    expect(faultOf(4, stored(sealed(next([rotation]), keys.user)))).toBe("unknown_key");
    expect(faultOf(2, stored(sealed(at(blocks, 2), keys.signing2)))).toBe("unknown_key");
  });

  it("are accepted from the next block on", () => {
    const rotation = plain(3, "key_rotation", keyOf("ML-DSA-44", keys.user));
    const announcing = sealed(next([rotation]), keys.signing2);
    const hashes = [...blocks, announcing].map((block) => Buffer.from(block.hash, "hex"));
    const following = sealed(
      next([payment], {
        blockNumber: 5,
        previousHash: announcing.hash,
        historyRoot: hex(root(hashes)),
      }),
      keys.user,
    );
    const chain = [...example, stored(announcing), stored(following)];
    expect(verifyChain(chain, GENESIS)).toHaveLength(6);
  });
});

describe("transactions, in a block that is rightly signed", () => {
  const registration = plain(1, "user_registration", {
    signingKey: keyOf("ML-DSA-44", keys.user),
    encryptionKey: keyOf("ML-KEM-768", keys.encryption),
  });
  const creation = plain(2, "asset_creation", {
    assetId: "a:1._-",
    documentHash: "0".repeat(64),
    documentCid: at(published, 0).cid,
    documentType: "deed-of_sale1",
  });
  const transfer = plain(3, "asset_transfer", { assetId: "a", newOwnerKeyId: keys.user.keyId });
  const fault = (...transactions: Transaction[]) =>
    faultOf(4, stored(sealed(next(transactions), keys.signing2)));

  it("are accepted in every type, with and without a user signature", () => {
    const all = [registration, creation, transfer];
    expect(fault(...all)).toBe("accepted");
    expect(fault(...all.map((transaction) => signedByUser(transaction)))).toBe("accepted");
  });

  it.each([
    plain(1, "payments", {}),
    plain(1, "toString", {}),
    plain(1, "payment", { amount: 1 }),
    plain(1, "asset_creation", { assetId: "zoe@example.com" }),
    plain(1, "asset_creation", { assetId: "Zoe Mueller" }),
    plain(1, "asset_creation", { assetId: `a${"b".repeat(128)}` }),
    plain(1, "asset_creation", { assetId: "" }),
    plain(1, "asset_creation", { assetId: "a", documentType: "Deed" }),
    plain(1, "asset_creation", { assetId: "a", documentCid: "QmI" }),
    plain(1, "asset_transfer", { assetId: "a", newOwnerKeyId: keys.user.keyId.toUpperCase() }),
    plain(1, "refund", { refunds: "pi_example_1" }),
    plain(1, "key_rotation", { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId }),
    plain(1, "key_rotation", keyOf("ML-KEM-768", keys.encryption)),
    plain(1, "user_registration", { ...registration.data, signingKey: keyOf("ML-KEM-768", keys.user) }),
    { ...plain(1, "payment", {}), id: "vdc_tx_1" },
    { ...plain(1, "payment", {}), timestamp: 2 ** 53 },
    { ...plain(1, "payment", {}), timestamp: -1 },
    { ...plain(1, "payment", {}), privateCommitment: "" },
  ])("are refused in another shape: $type $data", (transaction) => {
    expect(fault(transaction)).toBe("not_a_block");
  });

  it("are refused with a user signature over something else, in another context or of another key", () => {
    const signed = signedByUser(transfer);
    const { user } = signed.signatures;
    if (user === undefined) throw new Error("it is signed");
    const withUser = (members: object) => ({ ...signed, signatures: { user: { ...user, ...members } } });
    const wrong = [
      { ...signed, id: newId(9) },
      { ...signed, timestamp: signed.timestamp + 1 },
      { ...signed, data: { ...signed.data, assetId: "b" } },
      { ...signed, privateCommitment: "0".repeat(64) },
      signedByUser(transfer, "vdc/block/v1"),
      withUser({ keyId: keys.signing1.keyId }),
      withUser({ publicKey: keys.signing1.publicKey }),
      withUser({ publicKey: keys.signing1.publicKey, keyId: keys.signing1.keyId }),
      withUser({ publicKey: keys.encryption.publicKey }),
      withUser({ signature: user.signature.slice(0, -4) }),
      withUser({ signature: "A" }),
    ];
    for (const transaction of wrong) expect(fault(transaction)).toBe("wrong_user_signature");
  });

  it("may be signed by any key, known to the chain or not", () => {
    expect(fault(signedByUser(plain(1, "payment", {})))).toBe("accepted");
    const { signatures } = signedByUser(transfer, undefined, keys.signing1);
    expect(fault({ ...transfer, signatures })).toBe("accepted");
  });
});
