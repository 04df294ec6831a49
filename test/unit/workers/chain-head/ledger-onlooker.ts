import assert from "node:assert/strict";
import { applyInOrder } from "../../../../shared/chain/ledger-changes.ts";
import { Ledger, type LedgerEntries } from "../../../../shared/chain/ledger.ts";
import type { Reservation, RestoredBlock } from "../../../../shared/chain/reservation.ts";
import type { Transaction } from "../../../../shared/chain/transaction.ts";
import { sealedFrom, TestHead } from "../../../support/chain/chain-head.ts";
import { created, keyOf, LedgerMiner, registered, transferred, type Built } from "./ledger-miner.ts";

/** The action that a transaction tries. */
export type Action =
  | { kind: "create"; assetId: string; signer: string | null }
  | { kind: "transfer"; assetId: string; from: string; to: string }
  | { kind: "register"; user: string; signer: string };

export type Step =
  | { do: "admit"; action: Action }
  | { do: "reserve" | "readmit" }
  // Judges any reservation ever handed out, and seals any block ever built, the latest first.
  | { do: "judge"; which: number }
  | { do: "seal"; which: number; attempt: string };

function made(n: number, action: Action): Transaction {
  if (action.kind === "create") return created(n, action.assetId, action.signer);
  if (action.kind === "transfer") return transferred(n, action.assetId, action.from, action.to);
  return registered(n, action.user, action.signer);
}

function sorted({ assets, users }: LedgerEntries): LedgerEntries {
  return {
    assets: assets.toSorted((a, b) => a.assetId.localeCompare(b.assetId)),
    users: users.toSorted((a, b) => a.userId.localeCompare(b.userId)),
  };
}

export const ALL = {
  assetIds: ["deed", "will", "lease"],
  userIds: ["ann", "bob", "cyd"].map(keyOf),
};

/** Miners that take any reservation ever handed out, judge it at any time, and hand in any block twice or late. */
export class LedgerOnlooker {
  readonly head = new TestHead({ blockMaxTransactions: 4, maxBlocksInFlight: 3 }).begun();
  readonly miner = new LedgerMiner(this.head);
  readonly #reservations: Reservation[] = [];
  readonly #judged: Built[] = [];
  readonly #sealed = new Map<number, Built>();
  #count = 0;

  do(step: Step): void {
    switch (step.do) {
      case "admit": {
        this.miner.admit(made(++this.#count, step.action));
        this.head.requestMining();
        break;
      }
      case "reserve": {
        const reservation = this.head.reserve();
        if ("none" in reservation) this.#finishAll();
        else this.#reservations.push(reservation);
        break;
      }
      case "judge": {
        const reservation = this.#reservations.at(-1 - step.which);
        if (reservation) this.#judge(reservation);
        break;
      }
      case "seal": {
        const judged = this.#judged.at(-1 - step.which);
        if (judged) this.#seal(judged, step.attempt);
        break;
      }
      case "readmit": {
        this.head.park();
        this.head.readmit(...Array.from({ length: this.#count }, (_, i) => i + 1));
        this.head.requestMining();
        break;
      }
    }
  }

  /** Checks that a miner sets aside only transactions that break a rule in the current block, whenever it judges. */
  #judge(reservation: Reservation): void {
    const open = this.head.status().unfinished.find(({ state }) => state === "reserved");
    const ids = open === undefined ? [] : this.head.blockTransactions(open.blockNumber);
    const whole = new Ledger();
    applyInOrder(whole, this.chain());
    const { broken } = applyInOrder(
      whole,
      ids.map((id) => this.miner.transaction(id)),
    );
    const before = this.#setAside();
    const judged = this.miner.judge(reservation);
    if (judged) this.#judged.push(judged);
    for (const [n, reason] of this.#setAside())
      if (!before.has(n))
        assert.equal(broken.find(({ transaction }) => transaction.timestamp === n)?.fault, reason);
  }

  #setAside(): Map<number, string> {
    const facts = Array.from({ length: this.#count }, (_, i) => this.head.transaction(i + 1));
    return new Map(
      facts.flatMap((one) => (one?.state === "set_aside" ? [[one.timestamp, one.reason ?? ""]] : [])),
    );
  }

  #seal(judged: Built, attempt: string): void {
    const answer = this.miner.seal(judged, attempt);
    const { blockNumber } = judged.reservation;
    if ("won" in answer && !this.#sealed.has(blockNumber)) this.#sealed.set(blockNumber, judged);
  }

  #finishAll(): void {
    for (const { blockNumber, state } of this.head.status().unfinished)
      if (state === "sealed") this.head.finish(blockNumber);
  }

  /** Returns the chain's transactions, block after block, as the chain head knows them. */
  chain(): Transaction[] {
    const numbers = [...this.#sealed.keys()].toSorted((a, b) => a - b);
    return numbers.flatMap((n) => this.head.blockTransactions(n).map((id) => this.miner.transaction(id)));
  }

  check(): void {
    const whole = new Ledger();
    assert.deepEqual(applyInOrder(whole, this.chain()).broken, [], "no block breaks a rule");
    assert.deepEqual(sorted(this.head.ledger(ALL)), sorted(whole.entries(ALL)));
  }

  /** Returns a chain head that was rebuilt from these blocks. */
  restored(): TestHead {
    const after = new TestHead({}, { archive: true, kv: true });
    let point = after.beginRestore();
    for (let n = 0; n < this.head.counts().blocks; n++) {
      const block = this.head.block(n);
      if (block === null || point === null || block.hash === null) break;
      const judged = this.#sealed.get(n);
      const { revision: _, ...sealed } = sealedFrom({
        ...point,
        life: point.life,
        revision: 0,
        chainId: "",
        timestamp: 0,
        transactions: [],
        moved: [],
        announcedKeyIds: [],
        revocation: null,
      });
      const restored: RestoredBlock = {
        ...sealed,
        ...(judged?.changes ?? { assets: [], users: [] }),
        blockNumber: n,
        timestamp: block.timestamp,
        previousHash: block.previousHash,
        previousCid: block.previousCid,
        historyRoot: block.historyRoot,
        hash: block.hash,
        pays: [],
        transactions: this.head
          .blockTransactions(n)
          .map((id, i) => ({ txId: id, timestamp: i, size: 500, position: i })),
      };
      point = after.restoreBlock(restored);
    }
    return after;
  }
}
