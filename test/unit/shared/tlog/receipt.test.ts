import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inclusionProof, leafHash, merkleRoot } from "../../../../shared/chain/merkle.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { InvalidLog } from "../../../../shared/tlog/invalid-log.ts";
import { generateLogKeyring, loadLogKeyring } from "../../../../shared/tlog/log-keyring.ts";
import { parseReceipts, receiptsOf, verifyReceipt } from "../../../../shared/tlog/receipt.ts";
import { parseVkey } from "../../../../shared/tlog/vkey.ts";

const leaves = ["a", "b", "c", "d", "e"].map((text) => leafHash(utf8(text)));
const root = merkleRoot(leaves);
const signer = (await loadLogKeyring(generateLogKeyring())).signer("vdc.test/tx");
const keys = signer.vkeys.map(parseVkey);
const signatures = await signer.signRoot(root);
const of = (index: number) => receiptsOf(signatures, { size: 5, index, path: inclusionProof(leaves, index) });
const leaf = (index: number) => leaves[index] ?? new Uint8Array();

describe("a COSE receipt", () => {
  it("is signed twice, and each signature proves the entry", async () => {
    for (const index of leaves.keys()) {
      const receipts = parseReceipts(of(index));
      const verified = await Promise.all(
        receipts.map((receipt) => verifyReceipt(receipt, leaf(index), root, keys)),
      );
      expect(verified).toEqual(keys);
    }
  });

  it("proves no other entry, and no other root", async () => {
    const [receipt] = parseReceipts(of(1));
    if (receipt === undefined) throw new Error("there is no receipt");
    await expect(verifyReceipt(receipt, leaf(2), root, keys)).rejects.toMatchObject({
      fault: "not_included",
    });
    const other = merkleRoot(leaves.slice(0, 4));
    await expect(verifyReceipt(receipt, leaf(1), other, keys)).rejects.toMatchObject({
      fault: "not_included",
    });
  });

  it("is refused with any byte changed", async () => {
    const bytes = of(3);
    for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 37) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const verified = Promise.try(async () => {
        for (const receipt of parseReceipts(changed)) await verifyReceipt(receipt, leaf(3), root, keys);
      });
      await expect(verified, `byte ${at}`).rejects.toThrow(InvalidLog);
    }
  });

  it("is read from any bytes, or refused as malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseReceipts(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: "InvalidLog", fault: "malformed_proof" });
        }
      }),
    );
  });
});
