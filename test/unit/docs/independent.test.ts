// The verifier written from docs/format.md alone accepts the worked example and refuses changed data.
import { createCipheriv, createHash } from "node:crypto";
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
  userTxId,
  untrustedBlocks,
  verifyChain,
  verifyDocument,
  verifyUserMetadata,
  cidV0,
  bytesOfRecord,
  openEnvelope,
} from "../../support/chain/independent-verifier.ts";
import {
  changed,
  other,
  places,
  sealed,
  signature,
  signedBy,
  stored,
  submittedBy,
  type ExampleKey,
} from "./independent-signer.ts";
import { fixture } from "../../support/chain/vectors.ts";
import {
  at,
  blocks,
  example,
  exampleFile,
  GENESIS,
  keys,
  published,
  verdict,
} from "../../support/chain/worked-example.ts";

// --- The worked example

const ofUser = (transaction: Transaction) => userTxId("vdc-example", keys.user.keyId, transaction);
/** The user as block 3 registers them. */
const registered = { userId: keys.user.keyId, encryptionKeyId: keys.userEncryption.keyId };

const stripe = (object: string) => txIdOf({ source: "stripe", livemode: false, account: null, object });

describe("a verifier written from docs/format.md", () => {
  it("derives the key ids of the example", () => {
    for (const { publicKey, keyId: id } of [keys.signing1, keys.signing2, keys.user, keys.secondUser])
      expect(keyId("ML-DSA-44", Buffer.from(publicKey, "base64url"))).toBe(id);
    for (const { publicKey, keyId: id } of [keys.encryption, keys.userEncryption])
      expect(keyId("ML-KEM-768", Buffer.from(publicKey, "base64url"))).toBe(id);
  });

  it("verifies the example's chain, over its key rotation [T78]", () => {
    const verified = verifyChain(example, GENESIS);
    expect(verified.map(({ blockSignature }) => blockSignature.keyId)).toEqual([
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing2.keyId,
      keys.signing2.keyId,
    ]);
  });

  it("names the block of the example that a revoked key signed", () => {
    expect(untrustedBlocks(verifyChain(example, GENESIS))).toEqual([2]);
    expect(untrustedBlocks(verifyChain(example.slice(0, 4), GENESIS))).toEqual([]);
  });

  it("derives the ids of the example's transactions from their sources", () => {
    expect(blocks.map(({ transactions }) => transactions.map((transaction) => transaction.id))).toEqual([
      [txIdOf({ source: "genesis", chainId: "vdc-example" })],
      [ofUser(at(at(blocks, 1).transactions, 0)), stripe("pi_example_1")],
      [
        txIdOf({ source: "key_rotation", chainId: "vdc-example", keyId: keys.signing2.keyId }),
        stripe("re_example_1"),
      ],
      at(blocks, 3).transactions.map(ofUser),
      [
        txIdOf({
          source: "key_revocation",
          chainId: "vdc-example",
          keyId: keys.signing1.keyId,
          fromBlock: 2,
        }),
      ],
    ]);
    expect(at(at(blocks, 1).transactions, 1).data.pays).toBe(at(at(blocks, 1).transactions, 0).id);
    expect(at(at(blocks, 2).transactions, 1).data.refunds).toBe(stripe("pi_example_1"));
  });

  it("computes the CIDs of the example's blocks", () => {
    expect(example.map(cidV0)).toEqual(published.map(({ cid }) => cid));
  });

  it("gets the block's bytes back from its KV record", () => {
    const { record } = exampleFile("kv-record.json") as { record: Members };
    const bytes = bytesOfRecord(record);
    expect(bytes).toEqual(at(example, 1));
    expect(record.ipfsHash).toBe(cidV0(bytes));
  });

  it("opens the pending transaction, and finds its commitment in the block", () => {
    const { envelope, payload } = exampleFile("pending.json") as {
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

  it("verifies the user's document, to which the example's asset commits, and opens it", () => {
    const { document } = exampleFile("accounts.json") as {
      document: { plaintext: string; record: string };
    };
    const bytes = bytesOf(document.record);
    const { envelope } = JSON.parse(document.record) as { envelope: Members };
    expect(verifyDocument(bytes, "vdc-example", registered)).toBe(hex(sha256(canonicalBytes(envelope))));
    const opened = openEnvelope(envelope, Buffer.from(keys.userEncryption.seed, "hex"));
    expect(opened.toString()).toBe(document.plaintext);
    expect(at(at(blocks, 1).transactions, 0).data).toMatchObject({
      documentHash: hex(sha256(opened)),
      documentCid: cidV0(bytes),
    });

    const record = JSON.parse(document.record) as Json;
    for (const path of [...places(record)].slice(1)) {
      const tampered = changed(record, path, other);
      expect(
        () => verifyDocument(canonicalBytes(tampered), "vdc-example", registered),
        path.join("."),
      ).toThrow(Refused);
    }
    expect(() =>
      verifyDocument(bytes, "vdc-example", { ...registered, encryptionKeyId: keys.encryption.keyId }),
    ).toThrow(Refused);
    expect(() => verifyDocument(bytes, "vdc-other", registered)).toThrow(Refused);
    expect(() =>
      verifyDocument(bytes, "vdc-example", { ...registered, userId: keys.secondUser.keyId }),
    ).toThrow(Refused);
  });

  it("verifies the user's metadata, and opens it", () => {
    const { metadata } = exampleFile("accounts.json") as {
      metadata: { plaintext: string; record: Members };
    };
    const { plaintext, record } = metadata;
    verifyUserMetadata(record, "vdc-example", registered);
    const opened = openEnvelope(record.envelope as Members, Buffer.from(keys.userEncryption.seed, "hex"));
    expect(opened.toString()).toBe(plaintext);

    for (const path of [...places(record)].slice(1)) {
      const tampered = changed(record, path, other);
      expect(() => verifyUserMetadata(tampered, "vdc-example", registered), path.join(".")).toThrow(Refused);
    }
    expect(() => verifyUserMetadata(record, "vdc-other", registered)).toThrow(Refused);
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

const submitted = (transaction: Transaction, key = keys.user, chainId?: string) =>
  submittedBy(key, transaction, chainId);
const signedByUser = (transaction: Transaction, context?: string, key = keys.user) =>
  signedBy(key, transaction, context);

/** Verifies the example up to a block, with that block replaced, by both verifiers. A new genesis is the one asked for. */
async function faultOf(index: number, bytes: Uint8Array, genesisHash?: string): Promise<string> {
  const asked = genesisHash ?? (index === 0 ? hashIn(bytes) : GENESIS);
  const found = await verdict([...example.slice(0, index), bytes], asked);
  return /^[\d,]+$/.test(found) ? "accepted" : found; // a sound chain, with the blocks of a revoked key
}

const isObject = (value: Json): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the hash that the bytes name, if they are a block. */
function hashIn(bytes: Uint8Array): string {
  return /"hash":"([0-9a-f]{64})"/.exec(Buffer.from(bytes).toString())?.[1] ?? GENESIS;
}

/** Makes a block with these transactions in place of the example's last block. */
function next(transactions: Transaction[], members: Partial<Block> = {}): Block {
  const last = at(blocks, 3);
  return {
    ...last,
    blockNumber: 4,
    previousHash: last.hash,
    previousCid: cidV0(stored(last)),
    historyRoot: hex(root(blocks.slice(0, 4).map((block) => Buffer.from(block.hash, "hex")))),
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
/** Makes a rotation as the system does, under the id of its source. */
const rotationTo = (key: ExampleKey): Transaction => ({
  ...plain(0, "key_rotation", keyOf("ML-DSA-44", key)),
  id: txIdOf({ source: "key_rotation", chainId: "vdc-example", keyId: key.keyId }),
});
const keyOf = (algorithm: Algorithm, { keyId: id, publicKey }: ExampleKey) => ({
  keyId: id,
  algorithm,
  publicKey,
});

describe.each([0, 1, 2, 3])("block %i of the example, tampered with", (index) => {
  const block = asJson(at(blocks, index));
  const everywhere = [...places(block)].map((path) => ({ path, place: path.join(".") || "all of it" }));

  it.each(everywhere)("is refused when $place is another", async ({ path }) => {
    expect(await faultOf(index, stored(changed(block, path, other) as object))).not.toBe("accepted");
  });

  it.each(everywhere.slice(1))("is refused without $place", async ({ path }) => {
    expect(await faultOf(index, stored(changed(block, path, () => undefined) as object))).not.toBe(
      "accepted",
    );
  });

  it.each(everywhere)("is refused when $place is of another type", async ({ path }) => {
    for (const odd of [null, true, -1, 0.5, "", [], {}]) {
      const bytes = canonicalBytes(changed(block, path, () => odd));
      if (!bytes.equals(at(example, index))) expect(await faultOf(index, bytes)).not.toBe("accepted");
    }
  });

  it("is refused with one more member anywhere", async () => {
    for (const { path } of everywhere) {
      const more = (value: Json) => (isObject(value) ? { ...value, more: 1 } : value);
      const bytes = stored(changed(block, path, more) as object);
      if (!bytes.equals(at(example, index))) expect(await faultOf(index, bytes)).toBe("not_a_block");
    }
  });

  it("is refused in any other spelling", async () => {
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
    for (const spelling of spellings) expect(await faultOf(index, bytesOf(spelling))).toBe("not_a_block");
    expect(await faultOf(index, Buffer.concat([bytes, Buffer.of(0xff)]))).toBe("not_a_block");
  });

  it("is refused with a signature that is cut, spelled otherwise, or over something else", async () => {
    const original = at(blocks, index);
    const { signature: good, ...rest } = original.blockSignature;
    const wrong = [good.slice(0, -1), `${good}A`, `${good.slice(0, -1)}_`, good.toUpperCase(), "A"];
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    wrong.push(signature(Buffer.from(original.hash, "hex"), "vdc/transaction/v1", signer));
    wrong.push(signature(bytesOf(original.hash), "vdc/block/v1", signer));
    for (const bad of wrong) {
      const bytes = stored({ ...original, blockSignature: { ...rest, signature: bad } });
      expect(await faultOf(index, bytes)).toBe("wrong_signature");
    }
  });

  it("is accepted with another signature of the same key, for signing is hedged", async () => {
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    const again = stored(sealed(at(blocks, index), signer));
    expect(again.equals(at(example, index))).toBe(false);
    expect(await faultOf(index, again)).toBe("accepted");
  });
});

describe("an attacker without the key", () => {
  it("can change no member of a header, though he computes the hash again [T32 T80]", async () => {
    const block = at(blocks, 1);
    for (const name of Object.keys(HEADER)) {
      const tampered = changed(asJson(block), [name], other) as unknown as Block;
      const fault = await faultOf(1, stored({ ...tampered, hash: headerHash(tampered) }));
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

  it("can't change a transaction, though he computes root and hash again", async () => {
    const block = at(blocks, 1);
    const transactions = block.transactions.map((transaction) => ({ ...transaction, timestamp: 1 }));
    const { blockSignature: _, ...forged } = sealed({ ...block, transactions }, keys.user);
    const { blockSignature } = block;
    expect(await faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't sign with a key of his own, nor under the name of another [T32 T53]", async () => {
    const forged = sealed(at(blocks, 1), keys.user);
    expect(await faultOf(1, stored(forged))).toBe("unknown_key");
    const { keyId: known } = keys.signing1;
    const blockSignature = { ...forged.blockSignature, keyId: known };
    expect(await faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't begin another chain in the place of genesis [T63]", async () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const data = { ...transaction.data, signingKeys: [keyOf("ML-DSA-44", keys.user)] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(await faultOf(0, stored(forged), GENESIS)).toBe("wrong_place");
    expect(await faultOf(0, stored(forged), forged.hash)).toBe("accepted"); // so the hash must be known
  });

  it("can't give a known key id to his own key", async () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const stolen = { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId };
    const data = { ...transaction.data, signingKeys: [stolen] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(await faultOf(0, stored(forged), forged.hash)).toBe("not_a_block");
  });
});

describe("blocks out of place, rightly signed", () => {
  const payment = plain(1, "payment", {});

  it("are accepted when they follow all rules", async () => {
    expect(await faultOf(4, stored(sealed(next([payment]), keys.signing2)))).toBe("accepted");
  });

  it.each([
    { members: { blockNumber: 5 } },
    { members: { blockNumber: 3 } },
    { members: { previousHash: at(blocks, 2).hash } },
    { members: { previousCid: at(published, 2).cid } },
    { members: { previousCid: null } },
    { members: { historyRoot: at(blocks, 3).historyRoot } },
    { members: { chainId: "other-chain" } },
    { members: { timestamp: at(blocks, 3).timestamp - 1 } },
  ])("are refused with $members", async ({ members }) => {
    expect(await faultOf(4, stored(sealed(next([payment], members), keys.signing2)))).toBe("wrong_place");
  });

  it("may have the time of the block before", async () => {
    const { timestamp } = at(blocks, 3);
    expect(await faultOf(4, stored(sealed(next([payment], { timestamp }), keys.signing2)))).toBe("accepted");
  });

  it("are refused when a block is left out, exchanged or repeated [T36]", () => {
    const orders = [[0, 2], [0, 1, 3], [1], [0, 2, 1], [0, 1, 1], [0, 0]];
    for (const order of orders)
      expect(() =>
        verifyChain(
          order.map((i) => at(example, i)),
          GENESIS,
        ),
      ).toThrow(Refused);
  });

  it("are refused with a transaction that stands in the chain already, or twice in the block", async () => {
    const known = at(at(blocks, 1).transactions, 1); // a payment
    expect(await faultOf(4, stored(sealed(next([known]), keys.signing2)))).toBe("wrong_place");
    expect(await faultOf(4, stored(sealed(next([payment, payment]), keys.signing2)))).toBe("wrong_place");
  });

  it("are refused with a second genesis, or none in block 0", async () => {
    const [genesis] = at(blocks, 0).transactions;
    if (genesis === undefined) throw new Error("block 0 has a transaction");
    const again = { ...genesis, id: newId(2) };
    expect(await faultOf(4, stored(sealed(next([again]), keys.signing2)))).toBe("wrong_place");
    const without = sealed({ ...at(blocks, 0), transactions: [payment] }, keys.signing1);
    expect(await faultOf(0, stored(without), without.hash)).toBe("wrong_place");
    const more = sealed({ ...at(blocks, 0), transactions: [genesis, payment] }, keys.signing1);
    expect(await faultOf(0, stored(more), more.hash)).toBe("wrong_place");
    const last = sealed({ ...at(blocks, 0), transactions: [payment, genesis] }, keys.signing1);
    expect(await faultOf(0, stored(last), last.hash)).toBe("wrong_place");
    for (const linked of [
      { blockNumber: 1 },
      { previousHash: more.hash },
      { previousCid: at(published, 0).cid },
      { historyRoot: "0".repeat(64) },
    ]) {
      const follower = sealed({ ...at(blocks, 0), ...linked }, keys.signing1);
      expect(await faultOf(0, stored(follower), follower.hash)).toBe("wrong_place");
    }
    const foreign = sealed({ ...at(blocks, 0), chainId: "other-chain" }, keys.signing1);
    expect(await faultOf(0, stored(foreign), foreign.hash)).toBe("wrong_place");
  });

  it("are refused without transactions", async () => {
    expect(await faultOf(4, stored(sealed(next([]), keys.signing2)))).toBe("not_a_block");
  });

  it("are refused when the key that signs is announced in this very block", async () => {
    expect(await faultOf(4, stored(sealed(next([rotationTo(keys.user)]), keys.user)))).toBe("unknown_key");
    expect(await faultOf(2, stored(sealed(at(blocks, 2), keys.signing2)))).toBe("unknown_key");
  });

  it("are refused when a retired key signs, from the next block on", async () => {
    expect(await faultOf(4, stored(sealed(next([payment]), keys.signing1)))).toBe("retired_key");
    expect(await faultOf(3, stored(sealed(at(blocks, 3), keys.signing1)))).toBe("retired_key");
  });

  it("are accepted from the next block on", () => {
    const announcing = sealed(next([rotationTo(keys.user)]), keys.signing2);
    const hashes = [...blocks.slice(0, 4), announcing].map((block) => Buffer.from(block.hash, "hex"));
    const following = sealed(
      next([payment], {
        blockNumber: 5,
        previousHash: announcing.hash,
        previousCid: cidV0(stored(announcing)),
        historyRoot: hex(root(hashes)),
      }),
      keys.user,
    );
    const chain = [...example.slice(0, 4), stored(announcing), stored(following)];
    expect(verifyChain(chain, GENESIS)).toHaveLength(6);
  });
});

/** Returns the transaction under the id that follows from its contents and the key named in it. */
const renamed = (transaction: Transaction) => ({
  ...transaction,
  id: userTxId("vdc-example", transaction.signatures.user?.keyId ?? "", transaction),
});

/** Returns the fault of a block with these transactions that the operator signed. */
const faultWith = (...transactions: Transaction[]) =>
  faultOf(4, stored(sealed(next(transactions), keys.signing2)));

describe("transactions, in a block that is rightly signed", () => {
  const registration = plain(1, "user_registration", {
    signingKey: keyOf("ML-DSA-44", keys.secondUser),
    encryptionKey: keyOf("ML-KEM-768", keys.encryption),
  });
  const creation = plain(2, "asset_creation", {
    assetId: "a:1._-",
    documentHash: "0".repeat(64),
    documentCid: at(published, 0).cid,
    documentType: "deed-of_sale1",
  });
  const transfer = plain(3, "asset_transfer", {
    assetId: "a:1._-",
    newOwnerKeyId: keys.secondUser.keyId,
  });

  it("are accepted in every type, with a user signature where there must or may be one", async () => {
    const signed = [submitted(registration, keys.secondUser), submitted(creation), submitted(transfer)];
    expect(await faultWith(...signed)).toBe("accepted");
    const plainOnes = [
      rotationTo(keys.user),
      {
        ...plain(0, "key_revocation", { keyId: keys.signing1.keyId, fromBlock: 0, reason: "é".repeat(200) }),
        id: txIdOf({
          source: "key_revocation",
          chainId: "vdc-example",
          keyId: keys.signing1.keyId,
          fromBlock: 0,
        }),
      },
      creation,
      plain(4, "payment", {}),
      plain(5, "payment", { pays: newId(2) }),
      plain(6, "refund", { refunds: newId(4) }),
      plain(8, "refund", { refunds: null }),
      plain(9, "refund_failure", { failed: newId(6), refunds: newId(4) }),
      plain(10, "refund_failure", { failed: null, refunds: null }),
    ];
    expect(await faultWith(...plainOnes)).toBe("accepted");
  });

  it.each([
    plain(1, "payments", {}),
    plain(1, "toString", {}),
    plain(1, "payment", { amount: 1 }),
    plain(1, "payment", { pays: "pi_example_1" }),
    plain(1, "asset_creation", { assetId: "zoe@example.com" }),
    plain(1, "asset_creation", { assetId: "Zoe Mueller" }),
    plain(1, "asset_creation", { assetId: `a${"b".repeat(128)}` }),
    plain(1, "asset_creation", { assetId: "" }),
    plain(1, "asset_creation", { assetId: "a", documentType: "Deed" }),
    plain(1, "asset_creation", { assetId: "a", documentCid: "QmI" }),
    plain(1, "asset_transfer", { assetId: "a", newOwnerKeyId: keys.user.keyId.toUpperCase() }),
    plain(1, "refund", { refunds: "pi_example_1" }),
    plain(1, "refund", {}),
    plain(1, "refund_failure", { failed: "re_example_1", refunds: null }),
    plain(1, "refund_failure", { refunds: newId(4) }),
    plain(1, "key_rotation", { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId }),
    plain(1, "key_rotation", keyOf("ML-KEM-768", keys.encryption)),
    plain(1, "key_revocation", { keyId: keys.signing1.keyId, fromBlock: 0 }),
    plain(1, "key_revocation", { keyId: keys.signing1.keyId, fromBlock: -1, reason: "stolen" }),
    plain(1, "key_revocation", { keyId: "signing1", fromBlock: 0, reason: "stolen" }),
    ...["", "a\nb", "\u0085", "x".repeat(201)].map((reason) =>
      plain(1, "key_revocation", { keyId: keys.signing1.keyId, fromBlock: 0, reason }),
    ),
    plain(1, "user_registration", { ...registration.data, signingKey: keyOf("ML-KEM-768", keys.user) }),
    { ...plain(1, "payment", {}), id: "vdc_tx_1" },
    { ...plain(1, "payment", {}), timestamp: 2 ** 53 },
    { ...plain(1, "payment", {}), timestamp: -1 },
    { ...plain(1, "payment", {}), privateCommitment: "" },
  ])("are refused in another shape: $type $data", async (transaction) => {
    expect(await faultWith(transaction)).toBe("not_a_block");
  });

  it("are refused without the user signature that they must have, and with one that they must not have", async () => {
    for (const unsigned of [registration, transfer])
      expect(await faultWith(unsigned)).toBe("wrong_user_signature");
    for (const transaction of [
      plain(1, "payment", {}),
      plain(1, "refund", { refunds: newId(2) }),
      plain(1, "refund_failure", { failed: null, refunds: newId(2) }),
      plain(1, "key_rotation", keyOf("ML-DSA-44", keys.user)),
      plain(1, "key_revocation", { keyId: keys.signing1.keyId, fromBlock: 0, reason: "stolen" }),
    ])
      expect(await faultWith(submitted(transaction))).toBe("wrong_user_signature");
  });

  const signed = submitted(creation);
  const { user } = signed.signatures;
  if (user === undefined) throw new Error("it is signed");
  const withUser = (members: object) => ({ ...signed, signatures: { user: { ...user, ...members } } });

  it("are refused under another id than that of what the user signed", async () => {
    const wrong = [
      { ...signed, id: newId(9) },
      { ...signed, timestamp: signed.timestamp + 1 },
      { ...signed, data: { ...signed.data, assetId: "b" } },
      { ...signed, privateCommitment: "0".repeat(64) },
      withUser({ keyId: keys.secondUser.keyId }),
      withUser({ publicKey: keys.secondUser.publicKey, keyId: keys.secondUser.keyId }),
      signedByUser(creation),
      signedByUser({ ...creation, id: at(at(blocks, 1).transactions, 1).id }),
      signedByUser(signed, undefined, keys.secondUser),
      submitted(creation, keys.user, "other-chain"),
    ];
    for (const transaction of wrong) expect(await faultWith(transaction)).toBe("wrong_transaction_id");
  });

  it("are refused with a user signature over something else, in another context or of another key", async () => {
    const wrong = [
      renamed({ ...signed, timestamp: signed.timestamp + 1 }),
      renamed({ ...signed, data: { ...signed.data, assetId: "b" } }),
      renamed({ ...signed, privateCommitment: "0".repeat(64) }),
      renamed(withUser({ keyId: keys.secondUser.keyId })),
      renamed(withUser({ publicKey: keys.secondUser.publicKey, keyId: keys.secondUser.keyId })),
      renamed(submitted(creation, keys.user, "other-chain")),
      signedByUser(signed, "vdc/block/v1"),
      withUser({ publicKey: keys.secondUser.publicKey }),
      withUser({ publicKey: keys.encryption.publicKey }),
      withUser({ signature: user.signature.slice(0, -4) }),
      withUser({ signature: "A" }),
    ];
    for (const transaction of wrong) expect(await faultWith(transaction)).toBe("wrong_user_signature");
  });

  it("may be signed by any key, known to the chain or not", async () => {
    expect(await faultWith(submitted(creation, keys.secondUser))).toBe("accepted");
    expect(await faultWith(submitted(creation, keys.signing1))).toBe("accepted");
  });
});

const later = (transaction: Transaction) => ({ ...transaction, timestamp: transaction.timestamp + 1 });
const create = (assetId: string) => plain(1, "asset_creation", { assetId });
const give = (assetId: string, to: ExampleKey) =>
  plain(2, "asset_transfer", { assetId, newOwnerKeyId: to.keyId });
const register = (key: ExampleKey) =>
  plain(3, "user_registration", {
    signingKey: keyOf("ML-DSA-44", key),
    encryptionKey: keyOf("ML-KEM-768", keys.encryption),
  });

describe("rules across transactions, in blocks that are rightly signed", () => {
  const [made, moved, registered] = [
    at(at(blocks, 1).transactions, 0),
    at(at(blocks, 3).transactions, 1),
    at(at(blocks, 3).transactions, 0),
  ];
  it("let an asset be created once", async () => {
    for (const again of [submitted(later(made)), submitted(made, keys.secondUser), create("asset-1")])
      expect(await faultWith(again)).toBe("broken_rule");
    expect(await faultWith(submitted(create("b")), submitted(create("b"), keys.secondUser))).toBe(
      "broken_rule",
    );
  });

  it("let an asset be transferred by its present owner only [T48]", async () => {
    expect(await faultWith(submitted(later(moved)))).toBe("broken_rule"); // the user has given it away
    expect(await faultWith(submitted(give("asset-1", keys.user), keys.secondUser))).toBe("accepted");
    expect(await faultWith(submitted(give("asset-1", keys.user), keys.signing2))).toBe("broken_rule");
    expect(await faultWith(submitted(give("b", keys.user)))).toBe("broken_rule");
    expect(await faultWith(create("b"), submitted(give("b", keys.user)))).toBe("broken_rule"); // no user owns it
  });

  it("let a user be registered once, by the own key", async () => {
    expect(await faultWith(submitted(later(registered)))).toBe("broken_rule");
    expect(await faultWith(submitted(register(keys.secondUser), keys.secondUser))).toBe("accepted");
    expect(await faultWith(submitted(register(keys.secondUser)))).toBe("broken_rule");
  });

  it("are applied in the order of the block", async () => {
    const [first, second] = [submitted(create("b")), submitted(give("b", keys.secondUser))];
    const third = submitted(give("b", keys.user), keys.secondUser);
    expect(await faultWith(first, second, third)).toBe("accepted");
    expect(await faultWith(first, third, second)).toBe("broken_rule");
    expect(await faultWith(second, first)).toBe("broken_rule");
  });
});
