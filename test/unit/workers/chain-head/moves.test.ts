import { describe, expect, it } from "vitest";
import { BLOCK_MOVES, TRANSACTION_MOVES, type Move } from "../../../../shared/chain/states.ts";
import { FORGET_REFUSED_AFTER_MS } from "../../../../workers/chain-head/decisions/refused.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";
import { lostChain, TRACES } from "../../../support/chain/lost-chain.ts";

interface Seen {
  readonly transactions: Set<string>;
  readonly blocks: Set<string>;
}

/** Compares the states before and after each decision of one chain head. */
class Watched {
  readonly head: TestHead;
  readonly #seen: Seen;

  constructor(seen: Seen, ...given: ConstructorParameters<typeof TestHead>) {
    this.head = new TestHead(...given);
    this.#seen = seen;
  }

  by(name: string, decide: (head: TestHead) => unknown): this {
    const before = this.#states();
    decide(this.head);
    const after = this.#states();
    for (const kind of ["transactions", "blocks"] as const)
      for (const id of new Set([...before[kind].keys(), ...after[kind].keys()])) {
        const [from, to] = [before[kind].get(id) ?? null, after[kind].get(id) ?? null];
        if (from !== to) this.#seen[kind].add(written({ from, to, by: name }));
      }
    return this;
  }

  #states() {
    const read = (query: string) =>
      new Map(this.head.sql.look<{ id: string; state: string }>(query).map(({ id, state }) => [id, state]));
    return {
      transactions: read("SELECT id, state FROM tx"),
      blocks: read("SELECT number AS id, state FROM block"),
    };
  }
}

const written = ({ from, to, by }: Move<string>) => `${from} → ${to} by ${by}`;

/** Makes a chain with a complete genesis. Transactions 1 to 6 are in the open reservation of block 1. */
function underWay(seen: Seen): Watched {
  const watched = new Watched(seen);
  return watched
    .by("admit", (head) => head.admit(1, 2, 3, 4, 5, 6))
    .by("requestMining", (head) => head.requestMining())
    .by("reserve", (head) => head.reserved())
    .by("seal", (head) => head.seal(head.reserved()))
    .by("persisted", (head) => head.persisted(0))
    .by("indexed", (head) => head.indexed(0))
    .by("cleaned", (head) => head.cleaned(0))
    .by("reserve", (head) => head.reserved());
}

function makeEveryMove(seen: Seen): void {
  underWay(seen)
    .by("setAside", (head) => head.setAside(1, 1))
    .by("setAside", (head) => head.refuse(1, 2))
    .by("withdraw", (head) => head.withdraw(3))
    .by("seal", (head) => head.seal(head.reserved()))
    .by("park", (head) => head.park())
    .by("readmit", (head) => head.readmit(1))
    .by("withdraw", (head) => head.withdraw(1, 70))
    .by("erase", (head) => head.erase(71, true))
    .by("forgetRefused", (head) => {
      head.now += FORGET_REFUSED_AFTER_MS;
      head.forgetRefused();
    });

  const numbers = [1, 2, 3, 4, 5, 6];
  underWay(seen).by("setAside", (head) => numbers.forEach((n) => head.setAside(1, n)));
  underWay(seen).by("withdraw", (head) => head.withdraw(...numbers));

  const { blocks } = lostChain(5);
  const restored = new Watched(seen, {}, TRACES)
    .by("admit", (head) => head.admit(2))
    .by("withdraw", (head) => head.withdraw(3))
    .by("beginRestore", (head) => head.beginRestore());
  for (const block of blocks) restored.by("restoreBlock", (head) => head.restoreBlock(block));
  restored.by("endRestore", (head) => head.endRestore({ publishedThrough: 2, staged: [] }));
}

describe("shared/chain/states.ts", () => {
  const seen: Seen = { transactions: new Set(), blocks: new Set() };
  makeEveryMove(seen);

  it.for([
    ["transaction", TRANSACTION_MOVES, seen.transactions],
    ["block", BLOCK_MOVES, seen.blocks],
  ] as const)(
    "lists every move of a %s that the chain head's decisions make, and no other",
    ([, moves, made]) => {
      expect([...made].toSorted()).toEqual(moves.map(written).toSorted());
    },
  );
});
