import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { generateKeyring } from "../../../../shared/crypto/keyring.ts";
import { RetryLater } from "../../../../shared/runtime/errors.ts";
import type { LedgerKeys } from "../../../../shared/chain/ledger.ts";
import type { SealedBlock } from "../../../../shared/chain/reservation.ts";
import { MineRequest } from "../../../../shared/queue/messages.ts";
import type { Log } from "../../../../shared/runtime/log.ts";
import { seal } from "../../../../workers/chain-head/decisions/seal.ts";
import type { SetAsideRequest } from "../../../../workers/chain-head/decisions/set-aside.ts";
import type { Env } from "../../../../workers/miner/env.ts";
import { mine } from "../../../../workers/miner/mine.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";

const SILENT: Log = { info() {}, warn() {}, error() {}, with: () => SILENT };

/** The miner over the real chain head and an empty R2, so that no transaction can be mined. */
class World {
  readonly head = new TestHead({ blockMaxTransactions: 1 }).begun();
  readonly persists: unknown[] = [];
  /** Runs before the miner's transactions are set aside. */
  meanwhile = () => {};

  async mine(): Promise<void> {
    const { head } = this;
    const env = {
      CHAIN_ID: "vdc-test",
      SYSTEM_KEYRING: await generateKeyring(),
      R2: { get: async () => null },
      TIER_PERSISTER_QUEUE: { send: async (message: unknown) => void this.persists.push(message) },
      LOG_HEAD: { getByName: () => ({ keysToEndorse: async () => null }) },
      CHAIN_HEAD: {
        getByName: () => ({
          reserve: async () => head.reserve(),
          ledger: async (keys: LedgerKeys) => head.ledger(keys),
          setAside: async (request: SetAsideRequest) => {
            this.meanwhile();
            return head.setAsideAll(request);
          },
          seal: async (blockNumber: number, previousHash: string, sealed: SealedBlock) =>
            head.sql.transaction(() => seal(head.sql, blockNumber, previousHash, sealed, head.now)),
        }),
      },
    } as unknown as Env;
    await mine({ v: 1 }, env, SILENT);
  }
}

describe("mining", () => {
  it("is done with its message when it sets aside every transaction of a block, however often that happens", async () => {
    const world = new World();
    world.head.admit(1, 2, 3, 4, 5);
    world.head.requestMining();
    for (let waiting = 4; waiting >= 0; waiting--) {
      await world.mine();
      expect(world.head.counts().waiting).toBe(waiting);
      expect(world.head.outboxItem("requeue_miner")?.due).toBe(waiting > 0 ? world.head.now : undefined);
    }
    expect(world.persists).toEqual([]);
  });

  it("tries three times, and later again, while others change the reservation", async () => {
    const world = new World();
    let changes = 0;
    world.meanwhile = () => {
      changes++;
      world.head.sql.look("UPDATE block SET revision = revision + 1 WHERE state = 'reserved'");
    };
    world.head.admit(1);
    world.head.requestMining();
    await expect(world.mine()).rejects.toThrow(RetryLater);
    expect(changes).toBe(3);
    expect(world.head.transaction(1)?.state).toBe("reserved");
  });
});

describe("a mine request", () => {
  it.for(["threshold", "approved"])("is accepted with the cause %s, which earlier Workers send", (cause) => {
    expect(v.is(MineRequest, { v: 1, cause })).toBe(true);
  });
});
