import { beforeAll, describe, expect, it } from "vitest";
import {
  BLOCK_FAULTS,
  blockBytes,
  headerHash,
  InvalidBlock,
  readBlock,
  transactionsRoot,
  verifyBlock,
  type Block,
  type BlockFault,
  type ExpectedBlock,
} from "../../../shared/chain/block.ts";
import { leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { submissionTxId } from "../../../shared/chain/submission.ts";
import { transactionBytes, type Transaction } from "../../../shared/chain/transaction.ts";
import { base64url, concat, fromBase64url, fromHex, hex, utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes, type Json } from "../../../shared/crypto/canonical.ts";
import { BLOCK, TRANSACTION } from "../../../shared/crypto/contexts.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import {
  announced,
  CHAIN_ID,
  creation,
  payment,
  registration,
  rotation,
  signedBy,
  signerOf,
  TestChain,
  transfer,
  withSignature,
  type Signer,
} from "../../support/chain.ts";

describe("a block", () => {
  let signer: Signer;
  let stranger: Signer;
  let user: Signer;
  let block: Block;
  const chain = new TestChain();
  const reached = new Set<BlockFault>();

  beforeAll(async () => {
    [signer, stranger, user] = await Promise.all([
      signerOf("system"),
      signerOf("stranger"),
      signerOf("user"),
    ]);
    const asset = await signedBy(user, { ...creation("deed-1"), timestamp: 1_002 });
    block = await chain.build([payment("a"), payment("b", 1_001), asset], signer, {
      blockNumber: 7,
      previousHash: "ab".repeat(32),
      historyRoot: "cd".repeat(32),
    });
  });

  const keyOf = (keyId: string) => [signer].map(announced).find((key) => key.keyId === keyId)?.publicKey;

  /** Returns the fault that a reader finds, or undefined. */
  async function faultOf(bytes: Uint8Array, expected: ExpectedBlock = {}): Promise<BlockFault | undefined> {
    try {
      await verifyBlock(bytes, expected, keyOf);
      return undefined;
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error;
      expect(error.message.length).toBeGreaterThan(0);
      reached.add(error.fault);
      return error.fault;
    }
  }

  /** Returns the block's bytes with some members replaced by any values. */
  const bytesWith = (changes: Record<string, unknown>) => canonicalBytes({ ...block, ...changes });

  /** Returns the bytes with replaced members and the hash of the new header. Only the signature is the old one. */
  function rehashed(changes: Partial<Block>): Uint8Array {
    const { hash: _, transactions, blockSignature, ...header } = { ...block, ...changes };
    return canonicalBytes({
      ...header,
      hash: headerHash(header),
      transactions,
      blockSignature,
    });
  }

  /** Makes a block that holds this transaction and that the system signed, as a dishonest operator could. */
  async function signedBlock(transaction: Transaction): Promise<Uint8Array> {
    return blockBytes(await chain.build([payment("a"), transaction], signer, { blockNumber: 7 }));
  }

  it("is read and verified from its bytes, which are canonical", async () => {
    const bytes = blockBytes(block);
    expect(await verifyBlock(bytes, block, keyOf)).toEqual(block);
    expect(bytes).toEqual(canonicalBytes(JSON.parse(JSON.stringify(block)) as Json));
  });

  it("has the hash of its first eight members, and the RFC 6962 root of its transactions", () => {
    const { hash, transactions, blockSignature: _, ...header } = block;
    expect(Object.keys(header).length).toBe(8);
    expect(hash).toBe(sha256Hex(canonicalBytes(header)));
    expect(block.merkleRoot).toBe(
      hex(merkleRoot(transactions.map((one) => leafHash(transactionBytes(one))))),
    );
    expect(block.transactionCount).toBe(3);
  });

  it("is signed over the 32 bytes of its hash, in the context of blocks", async () => {
    const signature = base64url(await signer.sign(fromHex(block.hash), BLOCK));
    expect(
      await faultOf(bytesWith({ blockSignature: { ...block.blockSignature, signature } })),
    ).toBeUndefined();
    for (const [message, context] of [
      [fromHex(block.hash), TRANSACTION],
      [utf8(block.hash), BLOCK],
      [fromHex(block.merkleRoot), BLOCK],
    ] as const) {
      const wrong = base64url(await signer.sign(message, context));
      const bytes = bytesWith({ blockSignature: { ...block.blockSignature, signature: wrong } });
      expect(await faultOf(bytes)).toBe("wrong_signature");
    }
  });

  it("is none when its bytes are not canonical JSON of its shape", async () => {
    const bytes = blockBytes(block);
    const text = JSON.stringify(block);
    const { merkleRoot: _, ...incomplete } = block;
    for (const rubbish of [
      new Uint8Array(),
      utf8("not JSON"),
      utf8("null"),
      utf8("[]"),
      concat(bytes, utf8(" ")),
      concat(utf8("\ufeff"), bytes),
      concat(bytes, bytes),
      bytes.subarray(0, -1),
      bytes.with(20, 0xff),
      utf8(JSON.stringify(block, undefined, 1)),
      utf8(text), // its members are not in the canonical order
      utf8(new TextDecoder().decode(bytes).replace('"blockNumber":7', '"blockNumber":7.0')),
      utf8(new TextDecoder().decode(bytes).replace('"blockNumber":7', '"blockNumber":6,"blockNumber":7')),
      canonicalBytes(incomplete),
      bytesWith({ more: 1 }),
      bytesWith({ version: 2 }),
      bytesWith({ version: "1" }),
      bytesWith({ chainId: "a b" }),
      bytesWith({ chainId: "" }),
      bytesWith({ blockNumber: -1 }),
      bytesWith({ blockNumber: 1.5 }),
      bytesWith({ blockNumber: 2 ** 53 }),
      bytesWith({ blockNumber: "7" }),
      bytesWith({ timestamp: -1 }),
      bytesWith({ previousHash: block.previousHash.toUpperCase() }),
      bytesWith({ hash: block.hash.slice(1) }),
      bytesWith({ transactionCount: 0, transactions: [] }),
      bytesWith({ transactions: {} }),
      bytesWith({ transactions: [{ ...payment("a"), more: 1 }] }),
      bytesWith({ transactions: [{ ...payment("a"), type: "gift" }] }),
      bytesWith({ transactions: [{ ...payment("a"), data: { email: "ann@example.com" } }] }),
      bytesWith({ transactions: [{ ...payment("a"), data: [] }] }),
      bytesWith({ blockSignature: { ...block.blockSignature, algorithm: "ML-DSA-65" } }),
      bytesWith({ blockSignature: { ...block.blockSignature, signature: "a+b/" } }),
      bytesWith({ blockSignature: { ...block.blockSignature, more: 1 } }),
    ])
      expect(await faultOf(rubbish), new TextDecoder().decode(rubbish).slice(0, 120)).toBe("not_a_block");
  });

  it("is refused in a few words, however long the rubbish is, and without the name of an error's class", () => {
    const rubbish = [
      "",
      "{",
      JSON.stringify({ transactions: Array.from({ length: 2_000 }, () => "x".repeat(99)) }),
    ];
    for (const text of rubbish) {
      const refusal = refusalOf(utf8(text));
      expect(refusal.length).toBeGreaterThan(5);
      expect(refusal.length).toBeLessThanOrEqual(500);
      expect(refusal).not.toMatch(/Error/);
    }
  });

  it("has a wrong hash when any member of its header was changed", async () => {
    const changes = {
      chainId: "vdc-other",
      blockNumber: 8,
      timestamp: block.timestamp + 1,
      previousHash: flipped(block.previousHash),
      merkleRoot: flipped(block.merkleRoot),
      historyRoot: flipped(block.historyRoot),
      transactionCount: 4,
      hash: flipped(block.hash),
    };
    for (const [name, value] of Object.entries(changes))
      expect(await faultOf(bytesWith({ [name]: value })), name).toBe("wrong_hash");
  });

  it("has a wrong signature when its header was changed and hashed anew", async () => {
    for (const changes of [
      { chainId: "vdc-other" },
      { blockNumber: 8 },
      { timestamp: block.timestamp + 1 },
      { previousHash: flipped(block.previousHash) },
      { historyRoot: flipped(block.historyRoot) },
    ])
      expect(await faultOf(rehashed(changes)), Object.keys(changes)[0]).toBe("wrong_signature");
    const fewer = block.transactions.slice(1);
    const rebuilt = { transactions: fewer, transactionCount: 2, merkleRoot: transactionsRoot(fewer) };
    expect(await faultOf(rehashed(rebuilt))).toBe("wrong_signature");
  });

  it("has a wrong count when it holds more or fewer transactions than it says", async () => {
    expect(await faultOf(rehashed({ transactionCount: 2 }))).toBe("wrong_count");
    expect(await faultOf(rehashed({ transactionCount: 4 }))).toBe("wrong_count");
    expect(await faultOf(bytesWith({ transactions: block.transactions.slice(1) }))).toBe("wrong_count");
    expect(await faultOf(bytesWith({ transactions: [] }))).toBe("wrong_count");
    const twice = [...block.transactions, block.transactions[2]];
    expect(await faultOf(bytesWith({ transactions: twice }))).toBe("wrong_count");
  });

  it("has a wrong Merkle root when any part of a transaction was changed, or their order", async () => {
    const [a, b, c] = block.transactions as [Transaction, Transaction, Transaction];
    const changed: Transaction[][] = [
      [b, a, c],
      [a, b, b],
      [{ ...a, id: payment("x").id }, b, c],
      [{ ...a, timestamp: 999 }, b, c],
      [{ ...a, privateCommitment: "0".repeat(64) }, b, c],
      [{ ...a, type: "refund", data: { refunds: b.id } }, b, c],
      [a, b, { ...c, data: { assetId: "deed-2" } } as Transaction],
      [a, b, { ...c, signatures: {} }],
    ];
    for (const transactions of changed)
      expect(await faultOf(bytesWith({ transactions }))).toBe("wrong_merkle_root");
    expect(await faultOf(rehashed({ merkleRoot: flipped(block.merkleRoot) }))).toBe("wrong_merkle_root");
  });

  it("is out of place when it is not where its reader is in the chain", async () => {
    const { chainId, blockNumber, previousHash, historyRoot, hash } = block;
    const expected = { chainId, blockNumber, previousHash, historyRoot, hash };
    const bytes = blockBytes(block);
    expect(await faultOf(bytes, expected)).toBeUndefined();
    for (const wrong of [
      { chainId: "vdc-other" },
      { blockNumber: 6 },
      { previousHash: flipped(previousHash) },
      { historyRoot: flipped(historyRoot) },
      { hash: flipped(hash) },
    ])
      expect(await faultOf(bytes, { ...expected, ...wrong }), Object.keys(wrong)[0]).toBe("wrong_place");
  });

  it("is signed by an unknown key when the chain has not announced it", async () => {
    const foreign = await chain.build(block.transactions, stranger);
    expect(await faultOf(blockBytes(foreign))).toBe("unknown_key");
    const renamed = { ...block.blockSignature, keyId: stranger.keyId };
    expect(await faultOf(bytesWith({ blockSignature: renamed }))).toBe("unknown_key");
  });

  it("has a wrong signature when it is another's, another block's, or broken in any way", async () => {
    const bytes = fromBase64url(block.blockSignature.signature);
    const other = await chain.build([payment("other")], signer);
    const signatures = [
      base64url(await stranger.sign(fromHex(block.hash), BLOCK)),
      other.blockSignature.signature,
      base64url(bytes.with(0, (bytes[0] ?? 0) ^ 1)),
      base64url(bytes.with(2_419, (bytes[2_419] ?? 0) ^ 1)),
      base64url(bytes.subarray(1)),
      base64url(concat(bytes, Uint8Array.of(0))),
      `${block.blockSignature.signature}A`, // not base64url of whole bytes
      "A",
    ];
    for (const signature of signatures)
      expect(await faultOf(bytesWith({ blockSignature: { ...block.blockSignature, signature } }))).toBe(
        "wrong_signature",
      );
  });

  it("has a wrong user signature when the system signed a transaction that its user did not", async () => {
    const [signed] = block.transactions.slice(-1) as [Transaction];
    const { user: original } = signed.signatures;
    if (original === undefined) throw new Error("the last transaction is signed");
    const another = await signedBy(user, creation("another"));
    const forged: Transaction[] = [
      { ...signed, signatures: { user: { ...original, publicKey: announced(stranger).publicKey } } },
      { ...signed, signatures: { user: { ...original, signature: "AAAA" } } },
      { ...signed, signatures: { user: { ...original, signature: "A" } } },
      { ...signed, signatures: another.signatures },
      renamed({ ...signed, timestamp: signed.timestamp + 1 }),
      renamed({ ...signed, data: { assetId: "deed-2" } } as Transaction),
      renamed({ ...signed, privateCommitment: "0".repeat(64) }),
      renamed({ ...signed, signatures: { user: { ...original, ...announced(stranger) } } }),
      renamed({ ...signed, signatures: { user: { ...original, keyId: stranger.keyId } } }),
    ];
    for (const transaction of forged)
      expect(await faultOf(await signedBlock(transaction)), JSON.stringify(transaction.data)).toBe(
        "wrong_user_signature",
      );
    expect(await faultOf(await signedBlock(signed))).toBeUndefined();
  });

  it("has a wrong transaction id when what a user signed stands under another than its own", async () => {
    const mine = await signedBy(user, creation("deed-3"));
    const { user: original } = mine.signatures;
    if (original === undefined) throw new Error("it is signed");
    const forged: Transaction[] = [
      { ...mine, id: payment("x").id },
      { ...mine, timestamp: mine.timestamp + 1 },
      { ...mine, data: { assetId: "deed-4" } } as Transaction,
      { ...mine, data: { assetId: "deed-3", documentType: "deed" } } as Transaction,
      { ...mine, privateCommitment: "0".repeat(64) },
      { ...mine, signatures: { user: { ...original, keyId: stranger.keyId } } },
      await withSignature(stranger, mine),
      await withSignature(user, { ...mine, id: payment("x").id }), // signed by its user, under the id of another transaction
      await signedBy(user, mine, "vdc-other"),
    ];
    for (const transaction of forged)
      expect(await faultOf(await signedBlock(transaction)), JSON.stringify(transaction.data)).toBe(
        "wrong_transaction_id",
      );
  });

  it("holds no registration and no transfer without its user's signature, and no other signed types", async () => {
    const alone = [registration(user), transfer("deed-1", stranger)];
    for (const transaction of alone) {
      expect(await faultOf(await signedBlock(transaction))).toBe("wrong_user_signature");
      expect(await faultOf(await signedBlock(await signedBy(user, transaction)))).toBeUndefined();
    }
    expect(await faultOf(await signedBlock(creation("deed-1")))).toBeUndefined(); // a payment made it
    const others: Transaction[] = [
      payment("a"),
      rotation(stranger),
      { ...payment("a"), type: "refund", data: { refunds: payment("b").id } },
    ];
    for (const transaction of others)
      expect(await faultOf(await signedBlock(await signedBy(user, transaction)))).toBe(
        "wrong_user_signature",
      );
  });

  it("can have each of the faults, but for those that only the whole chain shows", () => {
    const alone = BLOCK_FAULTS.filter((fault) => fault !== "broken_rule" && fault !== "retired_key");
    expect([...reached].toSorted()).toEqual(alone.toSorted());
  });

  it("is only read, not verified, by readBlock", () => {
    expect(readBlock(bytesWith({ hash: flipped(block.hash) })).hash).toBe(flipped(block.hash));
    expect(() => readBlock(utf8("{}"))).toThrow(InvalidBlock);
  });

  it("is signed anew each time, so its bytes are made once and kept", async () => {
    const [first, second] = [
      await chain.build([payment("a")], signer),
      await chain.build([payment("a")], signer),
    ];
    expect(second.hash).toBe(first.hash);
    expect(second.blockSignature.signature).not.toBe(first.blockSignature.signature);
  });
});

/** Returns the transaction under the id that follows from its contents and the key named in it. */
function renamed(transaction: Transaction): Transaction {
  const signer = transaction.signatures.user?.keyId ?? "";
  return { ...transaction, id: submissionTxId(CHAIN_ID, signer, transaction) };
}

/** Changes the first digit of a hex text. */
function flipped(text: string): string {
  return `${text.startsWith("0") ? "1" : "0"}${text.slice(1)}`;
}

function refusalOf(bytes: Uint8Array): string {
  try {
    readBlock(bytes);
  } catch (error) {
    if (error instanceof InvalidBlock) return error.message;
    throw error;
  }
  throw new Error("it was taken for a block");
}
