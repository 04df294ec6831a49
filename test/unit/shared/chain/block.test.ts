import { beforeAll, describe, expect, it } from "vitest";
import {
  blockBytes,
  InvalidBlock,
  readBlock,
  verifyBlock,
  type Block,
  type BlockFault,
  type ExpectedBlock,
} from "../../../../shared/chain/block.ts";
import { leafHash, merkleRoot } from "../../../../shared/chain/merkle.ts";
import { transactionBytes } from "../../../../shared/chain/transaction.ts";
import { hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes, type Json } from "../../../../shared/crypto/canonical.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import {
  announced,
  creation,
  genesis,
  payment,
  signedBy,
  signerOf,
  TestChain,
  type Signer,
} from "../../../support/chain/chain.ts";

const CID = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH";
const OTHER_CID = "QmRk1rduJvo5DfEYAaLobS2za9tDszk35hzaNSDCJ74DA7";

describe("a block", () => {
  let signer: Signer;
  let user: Signer;
  let block: Block;
  const chain = new TestChain();

  beforeAll(async () => {
    [signer, user] = await Promise.all([signerOf("system"), signerOf("user")]);
    const asset = await signedBy(user, { ...creation("deed-1"), timestamp: 1_002 });
    block = await chain.build([payment("a"), payment("b", 1_001), asset], signer, {
      blockNumber: 7,
      previousHash: "ab".repeat(32),
      previousCid: CID,
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
      return error.fault;
    }
  }

  /** Returns the block's bytes with some members replaced by any values. */
  const bytesWith = (changes: Record<string, unknown>) => canonicalBytes({ ...block, ...changes });

  it("is read and verified from its bytes, which are canonical", async () => {
    const bytes = blockBytes(block);
    expect(await verifyBlock(bytes, block, keyOf)).toEqual(block);
    expect(bytes).toEqual(canonicalBytes(JSON.parse(JSON.stringify(block)) as Json));
  });

  it("has the hash of its first nine members, and the RFC 6962 root of its transactions", () => {
    const { hash, transactions, blockSignature: _, ...header } = block;
    expect(Object.keys(header).length).toBe(9);
    expect(hash).toBe(sha256Hex(canonicalBytes(header)));
    expect(block.merkleRoot).toBe(
      hex(merkleRoot(transactions.map((one) => leafHash(transactionBytes(one))))),
    );
    expect(block.transactionCount).toBe(3);
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
      previousCid: OTHER_CID,
      merkleRoot: flipped(block.merkleRoot),
      historyRoot: flipped(block.historyRoot),
      transactionCount: 4,
      hash: flipped(block.hash),
    };
    for (const [name, value] of Object.entries(changes))
      expect(await faultOf(bytesWith({ [name]: value })), name).toBe("wrong_hash");
  });

  it("is out of place when it is not where its reader is in the chain", async () => {
    const { chainId, blockNumber, previousHash, previousCid, historyRoot, hash } = block;
    const expected = { chainId, blockNumber, previousHash, previousCid, historyRoot, hash };
    const bytes = blockBytes(block);
    expect(await faultOf(bytes, expected)).toBeUndefined();
    for (const wrong of [
      { chainId: "vdc-other" },
      { blockNumber: 6 },
      { previousHash: flipped(previousHash) },
      { previousCid: OTHER_CID },
      { previousCid: null },
      { historyRoot: flipped(historyRoot) },
      { hash: flipped(hash) },
    ])
      expect(await faultOf(bytes, { ...expected, ...wrong }), Object.keys(wrong)[0]).toBe("wrong_place");
  });

  it("is out of place without the CID of the block before, and as a genesis that names one", async () => {
    const orphan = await chain.build([payment("a")], signer, { blockNumber: 7 });
    expect(orphan.previousCid).toBeNull();
    expect(await faultOf(blockBytes(orphan))).toBe("wrong_place");
    const genesisAfter = await chain.build([genesis(signer)], signer, { previousCid: CID });
    expect(await faultOf(blockBytes(genesisAfter))).toBe("wrong_place");
  });

  it("is not a block when the CID before it is another text", async () => {
    for (const previousCid of ["", CID.slice(1), `${CID}a`, "bafkreigh2akiscaildc", 1, undefined])
      expect(await faultOf(bytesWith({ previousCid })), String(previousCid)).toBe("not_a_block");
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
