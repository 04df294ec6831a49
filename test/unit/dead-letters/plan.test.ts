import { describe, expect, it } from "vitest";
import { planReplay } from "../../../workers/dead-letters/plan.ts";
import { TestIndex } from "../../support/dead-letter-index.ts";

const idsOf = (listed: object) => (listed as { items: { id: string }[] }).items.map(({ id }) => id);

describe("a plan", () => {
  it("of ten thousand says what would happen to each, and never holds them all", async () => {
    const index = new TestIndex();
    const { sql } = index.store;
    const done = await index.giveUp("indexer", { v: 1, blockNumber: 1 });
    sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO entry (id, stage, reason, error, block_number, first_seen, last_seen, failures, state)
       SELECT format('%032x', i), 'indexer', 'missing', '', 100 + i, ? - i / 3, 0, '[]', 'open' FROM n`,
      index.now,
    );
    let mostAtOnce = 0;
    const counted = {
      ...sql,
      exec: <Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: never[]) => {
        const rows = sql.exec<Row>(query, ...bindings).toArray();
        mostAtOnce = Math.max(mostAtOnce, rows.length);
        return { toArray: () => rows };
      },
    };
    const plan = await planReplay(counted, index.env, { all: true }, index.now);
    expect(plan).toMatchObject({ dryRun: true, total: 10_001, wouldReplay: 10_000, wouldSkip: 1 });
    expect(mostAtOnce).toBeLessThanOrEqual(1_000);
    expect(new Set(idsOf(plan)).size).toBe(100);

    const one = await planReplay(sql, index.env, { ids: [done] }, index.now);
    expect(one).toMatchObject({
      total: 1,
      wouldSkip: 1,
      items: [{ id: done, action: "skip", detail: "block 1 is already complete" }],
    });
  });

  it("is of what the replay would be of, in its order", async () => {
    const index = new TestIndex();
    for (let n = 0; n < 7; n++) {
      await index.giveUp("indexer", { v: 1, blockNumber: 70 + n });
      if (n % 3 === 0) index.pass(1); // some of them at one moment
    }
    const plan = await planReplay(index.store.sql, index.env, { all: true }, index.now);
    const { id } = index.replay({ all: true });
    expect(idsOf(plan)).toEqual(idsOf(index.found(id)));
  });

  it("refuses ids that it does not know", async () => {
    const index = new TestIndex();
    const unknown = "0".repeat(32);
    expect(await planReplay(index.store.sql, index.env, { ids: [unknown] }, index.now)).toEqual({
      refused: "unknown_entries",
      ids: [unknown],
    });
  });
});
