import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, type Block } from "../../../../shared/chain/block.ts";
import { Ledger, type LedgerKeys } from "../../../../shared/chain/ledger.ts";
import { submissionTxId } from "../../../../shared/chain/submission.ts";
import type { Transaction } from "../../../../shared/chain/transaction.ts";
import { restoredBlock } from "../../../../workers/storage-verifier/restore/restored-block.ts";
import {
  chainKeys,
  CHAIN_ID,
  genesis,
  signedBy,
  signerOf,
  TestChain,
  type Signer,
} from "../../../support/chain/chain.ts";

let system: Signer;
let ann: Signer;
let bob: Signer;
let chain: TestChain;
beforeAll(async () => {
  [system, ann, bob] = await Promise.all([signerOf("system"), signerOf("ann"), signerOf("bob")]);
  chain = new TestChain();
  await chain.add([genesis(system)], system);
});

type Contents = Pick<Transaction, "type" | "data" | "timestamp">;

function by(user: Signer, contents: Contents): Promise<Transaction> {
  const unsigned = contents as Omit<Transaction, "id" | "signatures">;
  const id = submissionTxId(CHAIN_ID, user.keyId, unsigned);
  return signedBy(user, { ...unsigned, id, signatures: {} } as Transaction);
}

const creation = (user: Signer, timestamp = 1) =>
  by(user, { type: "asset_creation", timestamp, data: { assetId: "deed" } });
const transfer = (from: Signer, to: Signer) =>
  by(from, { type: "asset_transfer", timestamp: 2, data: { assetId: "deed", newOwnerKeyId: to.keyId } });

/** @param asOf the last block that the chain head has */
function restored(block: Block, asOf = block.blockNumber - 1, ledger = new Ledger()) {
  const { blockNumber, previousHash, previousCid, historyRoot } = block;
  const erasures = { through: null, all: true };
  const signingKeys = chainKeys([system, 0]);
  const point = { life: "", erasures, blockNumber, previousHash, previousCid, historyRoot, signingKeys };
  const readLedger = (keys: LedgerKeys) => Promise.resolve({ asOf, ...ledger.entries(keys) });
  return restoredBlock(blockBytes(block), CHAIN_ID, point, readLedger);
}

describe("a block that is restored", () => {
  it("tells what it changes: the last owner, and the creation where there is one", async () => {
    const creating = await creation(ann);
    const block = await chain.build([creating, await transfer(ann, bob)], system);
    expect(await restored(block)).toMatchObject({
      assets: [{ assetId: "deed", createdBy: creating.id, owner: bob.keyId }],
      users: [],
    });
    const ledger = new Ledger();
    ledger.apply(creating);
    const later = await chain.build([await transfer(ann, bob)], system);
    expect(await restored(later, 0, ledger)).toMatchObject({
      assets: [{ assetId: "deed", createdBy: null, owner: bob.keyId }],
    });
  });

  it("is refused when it breaks a rule, by what the chain head knows or by its own transactions", async () => {
    const creating = await creation(ann);
    const ledger = new Ledger();
    ledger.apply(creating);
    for (const [transactions, known, told] of [
      [[await creation(bob)], ledger, "asset_exists"],
      [[await creation(ann), await creation(bob)], new Ledger(), "asset_exists"],
      [[await transfer(bob, bob)], ledger, "not_owner"],
      [[await transfer(ann, bob)], new Ledger(), "unknown_asset"],
    ] as const)
      await expect(restored(await chain.build(transactions, system), 0, known)).rejects.toMatchObject({
        fault: "broken_rule",
        message: expect.stringContaining(told),
      });
  });

  it("is not judged by what another run has restored meanwhile: it is tried again", async () => {
    const block = await chain.build([await creation(ann)], system);
    await expect(restored(block, block.blockNumber)).rejects.toMatchObject({ name: "Error" });
  });
});
