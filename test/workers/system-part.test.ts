import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, buildBlock, NO_PREVIOUS_HASH, type Block } from "../../shared/chain/block.ts";
import { append, historyRoot, type NodeStore } from "../../shared/chain/history.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { txIdOf, type KeyRevocation } from "../../shared/chain/transaction.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { fromHex, hex } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { generateKeyring, loadKeyring, rotateKeyring, type Keyring } from "../../shared/crypto/keyring.ts";
import { systemPart } from "../../workers/miner/system-part.ts";

/** A chain that grows by the blocks that the miner would build, with its keyring of that time. */
class Chain {
  readonly blocks: Block[] = [];
  readonly announcedKeyIds: string[] = [];
  /** The revocation that the next block must state. */
  revocation: KeyRevocation | null = null;
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #store: NodeStore = {
    get: (level, index) => this.#nodes.get(`${level}/${index}`)!,
    set: (level, index, hash) => void this.#nodes.set(`${level}/${index}`, hash),
  };

  async reservation(): Promise<Reservation> {
    const blockNumber = this.blocks.length;
    const previous = this.blocks.at(-1);
    return {
      chainId: "vdc-test",
      blockNumber,
      life: "",
      revision: 0,
      timestamp: 1_800_000_000_000 + blockNumber,
      previousHash: previous?.hash ?? NO_PREVIOUS_HASH,
      previousCid: previous === undefined ? null : await cidV0(blockBytes(previous)),
      historyRoot: hex(historyRoot(this.#store, blockNumber)),
      transactions: [],
      moved: [],
      announcedKeyIds: this.announcedKeyIds,
      revocation: this.revocation,
    };
  }

  async mine(keyring: Keyring, signer?: Keyring["signing"]["active"]): Promise<Block> {
    const reservation = await this.reservation();
    const { blockNumber, timestamp } = reservation;
    const system = systemPart(reservation, keyring);
    const payment = {
      id: txIdOf({ blockNumber }),
      type: "payment",
      timestamp,
      data: {},
      signatures: {},
    } as const;
    const transactions = blockNumber === 0 ? system.transactions : [...system.transactions, payment];
    const block = await buildBlock(reservation, transactions, signer ?? system.signer);
    append(this.#store, blockNumber, fromHex(block.hash));
    this.blocks.push(block);
    for (const { keyId } of system.announces) this.announcedKeyIds.push(keyId);
    this.revocation = null;
    return block;
  }

  async verify(): Promise<void> {
    const verifier = new ChainVerifier();
    for (const block of this.blocks) await verifier.add(blockBytes(block));
  }
}

/** Returns the keyring with its oldest signing key active and the others retired. */
function reactivated(keyring: string): string {
  const parsed = JSON.parse(keyring) as { signing: { status: string }[] };
  const signing = parsed.signing.map((key, i) => ({ ...key, status: i === 0 ? "active" : "retired" }));
  return JSON.stringify({ ...parsed, signing });
}

describe("the signing keys of a chain", () => {
  let json: string;
  let old: Keyring;
  let rotatedJson: string;
  let rotated: Keyring;
  beforeAll(async () => {
    json = await generateKeyring();
    old = await loadKeyring(json);
    rotatedJson = await rotateKeyring(json);
    rotated = await loadKeyring(rotatedJson);
  });

  it("are followed from genesis: the old key announces the new one, which signs from the next block on", async () => {
    const chain = new Chain();
    await chain.mine(old);
    await chain.mine(old);
    const announcing = await chain.mine(rotated);
    const after = await chain.mine(rotated);
    await chain.verify();
    const [oldId, newId] = [old.signing.active.keyId, rotated.signing.active.keyId];
    expect(chain.blocks.map(({ blockSignature }) => blockSignature.keyId)).toEqual([
      oldId,
      oldId,
      oldId,
      newId,
    ]);
    expect(announcing.transactions[0]).toMatchObject({ type: "key_rotation", data: { keyId: newId } });
    expect(after.transactions.map(({ type }) => type)).toEqual(["payment"]);
  });

  it("are followed through two rotations [T32]", async () => {
    const again = await loadKeyring(await rotateKeyring(rotatedJson));
    const chain = new Chain();
    for (const keyring of [old, rotated, rotated, again, again]) await chain.mine(keyring);
    await chain.verify();
    const ids = new Set(chain.blocks.map(({ blockSignature }) => blockSignature.keyId));
    expect(ids.size).toBe(3);
  });

  it("are those of genesis: a block that another key signs is refused, announced in that very block or not at all", async () => {
    const unannounced = new Chain();
    await unannounced.mine(old);
    await unannounced.mine(old, rotated.signing.active);
    await expect(unannounced.verify()).rejects.toMatchObject({ fault: "unknown_key" });

    const announcesItself = new Chain();
    await announcesItself.mine(old);
    await announcesItself.mine(rotated, rotated.signing.active);
    await expect(announcesItself.verify()).rejects.toMatchObject({ fault: "unknown_key" });
  });

  it("are retired by the next: a keyring in which such a key is active again signs nothing, and says which does [T32]", async () => {
    const chain = new Chain();
    for (const keyring of [old, rotated]) await chain.mine(keyring);
    const reservation = await chain.reservation();
    for (const late of [old, await loadKeyring(reactivated(rotatedJson))])
      expect(() => systemPart(reservation, late)).toThrow(
        new RegExp(`${old.signing.active.keyId}, is retired: only ${rotated.signing.active.keyId} may sign`),
      );
    const retired = await chain.mine(rotated, old.signing.active);
    expect(retired.blockSignature.keyId).toBe(old.signing.active.keyId);
    await expect(chain.verify()).rejects.toMatchObject({ fault: "retired_key" });
  });

  it("are announced by the present key alone: a keyring that lacks it signs nothing", async () => {
    const chain = new Chain();
    for (const keyring of [old, rotated, rotated]) await chain.mine(keyring);
    const elsewhere = await loadKeyring(await rotateKeyring(json));
    const reservation = await chain.reservation();
    expect(() => systemPart(reservation, elsewhere)).toThrow(/previous keyring's entry/);
  });

  it("are revoked in a block that the next key signs, beside one that is announced", async () => {
    const again = await loadKeyring(await rotateKeyring(rotatedJson));
    const chain = new Chain();
    for (const keyring of [old, rotated]) await chain.mine(keyring);
    const [oldId, newId] = [old.signing.active.keyId, rotated.signing.active.keyId];
    chain.revocation = { keyId: oldId, fromBlock: 1, reason: "stolen" };
    const block = await chain.mine(again);
    expect(block.transactions.slice(0, 2).map(({ type }) => type)).toEqual([
      "key_rotation",
      "key_revocation",
    ]);
    expect(block.blockSignature.keyId).toBe(newId);
    await chain.mine(again);
    await chain.verify();
  });

  it("are not replaced by a keyring that holds none of them [T35]", async () => {
    const chain = new Chain();
    await chain.mine(old);
    const strange = await loadKeyring(await generateKeyring());
    const reservation = await chain.reservation();
    expect(() => systemPart(reservation, strange)).toThrow(/previous keyring's entry/);
  });
});
