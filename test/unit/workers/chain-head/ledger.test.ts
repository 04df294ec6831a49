import { describe, expect, it } from "vitest";
import { applyRules } from "../../../../workers/miner/apply-rules.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { created, keyOf, LedgerMiner, registered, transferred, type Built } from "./ledger-miner.ts";

function begun(): { head: TestHead; miner: LedgerMiner } {
  const head = new TestHead().begun();
  return { head, miner: new LedgerMiner(head) };
}

const ownerOf = (head: TestHead, assetId: string) =>
  head.ledger({ assetIds: [assetId] }).assets.map(({ owner }) => owner)[0];
const reasonOf = (head: TestHead, n: number) => head.transaction(n)?.reason ?? head.transaction(n)?.state;

describe("the ledger", () => {
  it("knows nothing before genesis, and answers for any number of keys", () => {
    expect(new TestHead().ledger({ assetIds: ["deed"] })).toEqual({ asOf: -1, assets: [], users: [] });
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"), registered(2, "ann"));
    miner.mineAll();
    const many = Array.from({ length: 2_000 }, (_, i) => `unknown-${i}`);
    expect(head.ledger({ assetIds: ["deed", ...many, "deed"], userIds: [keyOf("ann"), ...many] })).toEqual({
      asOf: 2,
      assets: [{ assetId: "deed", owner: keyOf("ann") }],
      users: [{ userId: keyOf("ann"), encryptionKeyId: keyOf("ann's box") }],
    });
  });

  it("changes with the block that is sealed, and not before", () => {
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"), registered(2, "ann"));
    head.requestMining();
    const judged = miner.judge(head.reserved());
    expect(head.ledger({ assetIds: ["deed"], userIds: [keyOf("ann")] })).toMatchObject({
      asOf: 1,
      assets: [],
      users: [],
    });
    miner.seal(judged as Built, "first");
    expect(ownerOf(head, "deed")).toBe(keyOf("ann"));
    expect(head.assets(["deed", "unknown"]).assets).toEqual([
      { assetId: "deed", createdBy: txId(1), owner: keyOf("ann"), lastBlock: 2 },
    ]);
  });

  it("is not changed by a block that lost, nor by one that was handed in twice", () => {
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"));
    head.requestMining();
    const judged = miner.judge(head.reserved()) as Built;
    const stolen = { ...judged.changes.assets[0], assetId: "deed", createdBy: txId(1), owner: keyOf("eve") };
    expect(miner.seal(judged, "first")).toMatchObject({ won: true });
    expect(miner.seal(judged, "first")).toMatchObject({ won: true });
    const late = { ...judged, changes: { assets: [stolen], users: [] } };
    expect(miner.seal(late, "late")).toMatchObject({ won: false });
    expect(ownerOf(head, "deed")).toBe(keyOf("ann"));
  });

  it("is not changed by a stale block", () => {
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"), created(2, "will", "ann"));
    head.requestMining();
    const judged = miner.judge(head.reserved()) as Built;
    head.setAside(2, 2);
    expect(miner.seal(judged, "first")).toEqual({ stale: true });
    expect(head.ledger({ assetIds: ["deed", "will"] }).assets).toEqual([]);
  });

  it("takes no block whose changes the rules forbid, and nothing of it is left", () => {
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"), registered(2, "ann"));
    miner.mineAll();
    head.admit(3);
    head.requestMining();
    const reservation = head.reserved();
    const asset = { assetId: "deed", createdBy: txId(3), owner: keyOf("eve") };
    const user = { userId: keyOf("ann"), encryptionKeyId: keyOf("eve's box") };
    for (const [changes, told] of [
      [{ assets: [asset] }, "creates an asset a second time"],
      [
        { assets: [{ ...asset, assetId: "will", createdBy: null }] },
        "transfers an asset that no block creates",
      ],
      [{ assets: [{ ...asset, assetId: "will" }], users: [user] }, "registers a user a second time"],
    ] as const)
      expect(() => head.seal(reservation, changes)).toThrow(told);
    expect(head.block(3)).toMatchObject({ state: "reserved", hash: null });
    expect(ownerOf(head, "deed")).toBe(keyOf("ann"));
    expect(ownerOf(head, "will")).toBeUndefined();
    expect(head.seal(reservation)).toMatchObject({ won: true });
  });
});

describe("the rules of a block", () => {
  it("apply in its order: created, transferred and transferred again", () => {
    const { head, miner } = begun();
    miner.admit(
      created(1, "deed", "ann"),
      transferred(2, "deed", "ann", "bob"),
      transferred(3, "deed", "bob", "cyd"),
      transferred(4, "deed", "ann", "eve"),
    );
    miner.mineAll();
    expect(head.blockTransactions(2)).toEqual([1, 2, 3].map(txId));
    expect(reasonOf(head, 4)).toBe("not_owner");
    expect(ownerOf(head, "deed")).toBe(keyOf("cyd"));
  });

  it("set aside what breaks one, with its reason, and what hangs on it", () => {
    const { head, miner } = begun();
    miner.admit(
      created(1, "deed", null),
      created(2, "deed", "eve"),
      transferred(3, "deed", "eve", "eve"),
      transferred(4, "will", "ann", "bob"),
      created(5, "will", "ann"),
      registered(6, "ann"),
      registered(7, "ann"),
      registered(8, "bob", "eve"),
    );
    miner.mineAll();
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((n) => reasonOf(head, n))).toEqual([
      "mined",
      "asset_exists",
      "not_owner",
      "unknown_asset",
      "mined",
      "mined",
      "user_exists",
      "not_own_key",
    ]);
    expect(head.assets(["deed"]).assets).toMatchObject([{ createdBy: txId(1), owner: null }]);
  });

  it("dissolve a block of which nothing is left, and its number is used by the next", () => {
    const { head, miner } = begun();
    miner.admit(transferred(1, "deed", "ann", "bob"), registered(2, "bob", "eve"));
    miner.mineAll();
    expect(head.block(2)).toBeNull();
    expect(head.counts()).toMatchObject({ setAside: 2, pending: 0 });
    miner.admit(created(3, "deed", "ann"));
    miner.mineAll();
    expect(head.blockTransactions(2)).toEqual([txId(3)]);
  });

  it("are applied again to what is replayed", () => {
    const { head, miner } = begun();
    miner.admit(transferred(1, "deed", "ann", "bob"));
    miner.mineAll();
    miner.admit(created(2, "deed", "ann"));
    miner.mineAll();
    head.park();
    head.readmit(1);
    miner.mineAll();
    expect(head.transaction(1)).toMatchObject({ state: "mined", block: { blockNumber: 3 } });
    expect(ownerOf(head, "deed")).toBe(keyOf("bob"));
  });
});

describe("a slow miner", () => {
  it("sets nothing aside of a block that another has sealed", () => {
    const { head, miner } = begun();
    miner.admit(created(1, "deed", "ann"));
    head.requestMining();
    const reservation = head.reserved();
    miner.seal(miner.judge(reservation) as Built, "another");
    const transactions = [miner.transaction(txId(1))];
    const late = head.ledger({ assetIds: ["deed"] });
    expect(applyRules(2, transactions, late), "the block's own changes would judge it").toBeUndefined();
    expect(miner.judge(reservation)).toBeUndefined();
    const refused = [{ txId: txId(1), reason: "asset_exists", error: "" }] as const;
    expect(head.setAsideAll({ ...reservation, refused })).toEqual({ none: "changed" });
    expect(reasonOf(head, 1)).toBe("mined");
  });

  it("sets nothing aside of a later reservation of the same number, where the rules allow it", () => {
    const { head, miner } = begun();
    miner.admit(transferred(2, "deed", "ann", "bob"));
    head.requestMining();
    const slow = head.reserved();
    expect(miner.judge(slow), "another has set it aside").toBeUndefined();
    head.park();
    miner.admit(created(1, "deed", "ann"));
    head.readmit(2);
    head.requestMining();
    const { blockNumber, transactions } = head.reserved();
    expect({ blockNumber, transactions }).toEqual({
      blockNumber: slow.blockNumber,
      transactions: [txId(1), txId(2)],
    });
    const refused = [{ txId: txId(2), reason: "unknown_asset", error: "" }] as const;
    expect(head.setAsideAll({ ...slow, refused })).toEqual({ none: "changed" });
    miner.mineAll();
    expect(head.blockTransactions(2)).toEqual([txId(1), txId(2)]);
  });
});
