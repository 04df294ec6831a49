import { unapproved } from "../../../../workers/chain-head/reads/waiting.ts";
import { getValue } from "../../../../workers/chain-head/storage/key-values.ts";
import assert from "node:assert/strict";
import { NO_PREVIOUS_HASH } from "../../../../shared/chain/block.ts";
import { leafHash, merkleRoot } from "../../../../shared/chain/merkle.ts";
import type { Reservation } from "../../../../shared/chain/reservation.ts";
import {
  BLOCK_STATES,
  reached,
  type BlockState,
  type TransactionState,
} from "../../../../shared/chain/states.ts";
import { fromHex, hex } from "../../../../shared/crypto/bytes.ts";
import { sealedFrom, TestHead, txId } from "../../../support/chain/chain-head.ts";

/** A call of the chain head. A test makes these calls in any order. */
export type Call =
  | { do: "admit"; numbers: number[] }
  | { do: "setAside"; blockNumber: number; n: number }
  | { do: "readmit"; numbers: number[] }
  // Seals any reservation that the head has handed out, the latest first, as one of two miners.
  | { do: "seal"; which: number; miner: string }
  | { do: "persisted" | "indexed" | "cleaned"; blockNumber: number }
  // `advance`: every stage does its work once.
  | { do: "request" | "reserve" | "advance" | "halt" | "resume" | "park" };

/** Calls a chain head and checks after each call that no earlier promise is broken. */
export class Onlooker {
  readonly head = new TestHead({ blockMaxTransactions: 3, maxBlocksInFlight: 3 });
  readonly reservations: Reservation[] = [];
  readonly admitted = new Set<number>();
  /** The sealed block of each number: its bytes and its transactions. */
  readonly sealed = new Map<number, { sha256: string; transactions: readonly string[] }>();
  readonly states = new Map<number, BlockState>();
  readonly transactions = new Map<number, TransactionState>();
  latest = -1;

  do(step: Call): void {
    const { head } = this;
    switch (step.do) {
      case "admit":
        this.#admit(step.numbers);
        break;
      case "request":
        head.requestMining();
        break;
      case "reserve":
        this.#keep(head.reserve());
        break;
      case "setAside":
        this.#keep(head.setAside(step.blockNumber, step.n));
        break;
      case "readmit":
        this.#readmit(step.numbers);
        break;
      case "park":
        head.park();
        break;
      case "seal":
        this.#seal(step.which, step.miner);
        break;
      case "persisted":
      case "indexed":
      case "cleaned":
        this.#report(step.do, step.blockNumber);
        break;
      case "advance":
        for (const { blockNumber, state } of head.status().unfinished) {
          if (state === "sealed") head.persisted(blockNumber);
          if (state === "persisted") head.indexed(blockNumber);
          if (state === "indexed") head.cleaned(blockNumber);
        }
        break;
      case "halt":
        head.halt("a test");
        break;
      case "resume":
        head.resume();
        break;
    }
  }

  #admit(numbers: readonly number[]): void {
    const { results } = this.head.admit(
      ...numbers.map((n) => ({
        n,
        timestamp: n % 5,
        size: 300,
        ...(n % 3 === 0 && { paid: true as const }),
      })),
    );
    for (const [i, n] of numbers.entries()) {
      assert.equal(results[i] === "admitted", !this.admitted.has(n));
      this.admitted.add(n);
    }
  }

  #readmit(numbers: readonly number[]): void {
    const before = numbers.map((n) => this.head.transaction(n)?.state);
    const results = this.head.readmit(...numbers);
    for (const [i, result] of results.entries())
      if (result === "readmitted") assert.equal(before[i], "set_aside", "only what was set aside comes back");
    const readmitted = numbers.filter((_, i) => results[i] === "readmitted");
    assert.equal(new Set(readmitted).size, readmitted.length, "once, though it is asked for twice");
  }

  #keep(answer: ReturnType<TestHead["reserve"] | TestHead["setAside"]>): void {
    if (!("none" in answer)) this.reservations.push(answer);
  }

  #seal(which: number, miner: string): void {
    const reservation = this.reservations.at(-1 - which);
    if (reservation === undefined) return;
    const { blockNumber, transactions } = reservation;
    const { sha256 } = sealedFrom(reservation, miner);
    const winner = this.sealed.get(blockNumber);
    const answer = this.head.seal(reservation, sealedFrom(reservation, miner));
    if ("stale" in answer) {
      assert.equal(winner, undefined, "a sealed block is never stale: it is the winner");
      return;
    }
    if (winner === undefined) this.sealed.set(blockNumber, { sha256, transactions });
    assert.equal(answer.sha256, winner?.sha256 ?? sha256, "the first sealed bytes are the block");
    assert.equal(answer.won, answer.sha256 === sha256);
  }

  #report(state: "persisted" | "indexed" | "cleaned", number: number): void {
    try {
      this.head[state](number);
    } catch (error) {
      assert.match(String(error), /is not sealed$|can't become \w+ yet$/);
    }
  }

  check(): void {
    this.#checkBlocks();
    this.#checkTransactions();
    this.#checkCounts();
    const latest = this.head.head().latest?.blockNumber ?? -1;
    assert.ok(latest >= this.latest, "the latest block never goes back");
    for (let n = 0; n <= latest; n++)
      assert.ok(reached(this.head.block(n)?.state ?? "reserved", "persisted"));
    this.latest = latest;
  }

  #checkBlocks(): void {
    const { blocks } = this.head.counts();
    let previousHash = NO_PREVIOUS_HASH;
    let previousCid: string | null = null;
    const leaves: Uint8Array[] = [];
    let open = 0;
    for (let n = 0; n < blocks; n++) {
      const block = this.head.block(n);
      if (block === null) throw new Error(`block ${n} of ${blocks} is missing`);
      assert.equal(block.previousHash, previousHash);
      assert.equal(block.previousCid, previousCid);
      assert.equal(block.historyRoot, hex(merkleRoot(leaves)));
      const [before, now] = [this.states.get(n), block.state].map((state) =>
        state === undefined ? -1 : BLOCK_STATES.indexOf(state),
      ) as [number, number];
      assert.ok(now >= before, `block ${n} never goes back`);
      this.states.set(n, block.state);
      if (block.state === "reserved") {
        open++;
        assert.equal(n, blocks - 1, "only the last block is open");
        continue;
      }
      assert.equal(block.sha256, this.sealed.get(n)?.sha256);
      assert.deepEqual(this.head.blockTransactions(n), this.sealed.get(n)?.transactions);
      previousHash = block.hash ?? "";
      previousCid = block.cid;
      assert.ok(previousCid !== null, "the CID of a sealed block is known");
      leaves.push(leafHash(fromHex(previousHash)));
    }
    assert.ok(open <= 1);
    assert.ok(this.head.status().unfinished.length <= this.head.rules.maxBlocksInFlight);
    for (const n of this.states.keys()) if (n >= blocks) this.states.delete(n); // a dissolved reservation
  }

  #checkTransactions(): void {
    const inBlocks = [...this.sealed.values()].flatMap(({ transactions }) => transactions);
    assert.equal(new Set(inBlocks).size, inBlocks.length, "no transaction stands in two blocks");
    const onward: Record<TransactionState, readonly TransactionState[]> = {
      pending: ["pending", "reserved", "mined", "set_aside"],
      reserved: ["reserved", "mined", "set_aside"],
      mined: ["mined"],
      set_aside: ["set_aside", "pending"],
    };
    for (const n of this.admitted) {
      const facts = this.head.transaction(n);
      if (facts === null) throw new Error(`transaction ${n} is lost`);
      assert.ok(onward[this.transactions.get(n) ?? "pending"].includes(facts.state));
      assert.equal(facts.state === "mined", inBlocks.includes(txId(n)), "mined is what a sealed block holds");
      this.transactions.set(n, facts.state);
    }
  }

  #checkCounts(): void {
    const states = [...this.admitted].map((n) => this.head.transaction(n)?.state);
    const of = (state: TransactionState) => states.filter((one) => one === state).length;
    assert.equal(of("pending") + of("reserved") + of("mined") + of("set_aside"), this.admitted.size);
    const unfinished = this.head
      .status()
      .unfinished.flatMap(({ blockNumber }) => this.head.blockTransactions(blockNumber));
    const { pending, waiting, mined, setAside } = this.head.counts();
    assert.deepEqual(
      { pending, waiting, mined, setAside },
      {
        pending: of("pending") + unfinished.length,
        waiting: of("pending"),
        mined: of("mined"),
        setAside: of("set_aside"),
      },
    );
    const { sql } = this.head;
    const [row] = sql.look<{ n: number }>(
      "SELECT count(*) AS n FROM tx WHERE state = 'pending' AND sequence > ?",
      getValue(sql, "approvedThrough") ?? 0,
    );
    assert.equal(unapproved(sql).count, row?.n);
  }

  /** Resumes the chain head, and expects that every admitted transaction is finished. */
  settle(): void {
    const { head } = this;
    head.resume();
    for (let round = 0; round < 100; round++) {
      head.requestMining();
      this.do({ do: "reserve" });
      this.do({ do: "seal", which: 0, miner: "one" });
      this.do({ do: "advance" });
      this.check();
      if (head.counts().pending === 0 && head.status().unfinished.length === 0) return;
    }
    throw new Error("what was admitted does not get done");
  }
}
