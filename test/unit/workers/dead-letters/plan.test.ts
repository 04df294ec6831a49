import { describe, expect, it } from "vitest";
import { planReplay } from "../../../../workers/dead-letters/replay/plan.ts";
import { canonicalBytes, canonicalText, type Json } from "../../../../shared/crypto/canonical.ts";
import { generateKeyring, parseEncryptionPublicKey } from "../../../../shared/crypto/keyring.ts";
import { publicKeyOf } from "../../../../cli/local/stack/secrets.ts";
import type { PermanentReason } from "../../../../shared/runtime/errors.ts";
import type { PendingTransaction } from "../../../../shared/queue/messages.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { txId } from "../../../support/chain/chain-head.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";

/** Makes a message of a payment, with an envelope sealed to a new key. */
async function sealedFor(n: number): Promise<PendingTransaction> {
  const key = await parseEncryptionPublicKey(await publicKeyOf(await generateKeyring()));
  const envelope = await key.seal(txId(n), canonicalBytes({}));
  return { v: 1, txId: txId(n), timestamp: n, size: 500, envelope };
}

const idsOf = (listed: object) => (listed as { items: { id: string }[] }).items.map(({ id }) => id);

describe("a plan", () => {
  it("looks at the first thousand of ten thousand, and says that there are more", async () => {
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
    let rowsRead = 0;
    const counted = {
      ...sql,
      exec: <Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: never[]) => {
        const rows = sql.exec<Row>(query, ...bindings).toArray();
        mostAtOnce = Math.max(mostAtOnce, rows.length);
        rowsRead += rows.length;
        return { toArray: () => rows };
      },
    };
    const plan = await planReplay(counted, index.env, { all: true }, index.now);
    expect(plan).toMatchObject({ dryRun: true, total: 1_000, wouldSkip: 0, more: true });
    expect(rowsRead).toBeLessThanOrEqual(2_000);
    expect(mostAtOnce).toBeLessThanOrEqual(1_000);
    expect(new Set(idsOf(plan)).size).toBe(100);

    const one = await planReplay(sql, index.env, { ids: [done] }, index.now);
    expect(one).toMatchObject({
      total: 1,
      wouldSkip: 1,
      items: [{ id: done, action: "skip", detail: "block 1 is already complete" }],
    });
  });

  it("says which would fail again, and why, without sending any of them", async () => {
    const index = new TestIndex();
    const { envelope } = await sealedFor(1);
    const aside = async (n: number, reason: PermanentReason, kept?: object) => {
      const id = await index.setAside(n, 2, reason);
      if (kept !== undefined) index.records.set(r2Keys.setAside(txId(n)), canonicalText(kept as Json));
      return id;
    };
    const inVain = {
      [await aside(1, "unknown_key", envelope)]: /keyring.*holds no key/,
      [await aside(2, "asset_exists", envelope)]: /earlier transaction that created its asset/,
      [await aside(3, "invalid_signature", envelope)]: /signature does not verify/,
      [await aside(4, "unknown_key", envelope)]: /damaged/, // another transaction's envelope
      [await aside(5, "missing")]: /neither set-aside\/.* nor pending\/.* is in R2/,
      [await index.giveUp("indexer", { v: 1, blockNumber: "9", from: 0 })]:
        /^indexer can't take it: blockNumber: expected a number$/,
      [await index.giveUp("pending-writer", { ...(await sealedFor(1)), txId: txId(6) })]:
        /sealed for another transaction/,
      [await index.giveUp("storage-verifier", "hello")]: /can't take it/,
    };
    const newer = await index.giveUp("indexer", { v: 2, block: 7 });
    const lost = await index.giveUp("indexer", { v: 1, blockNumber: 8, from: 0 });
    index.records.delete(r2Keys.deadLetter("indexer", lost));
    index.openable = ["another key"];

    const plan = await index.plan({ all: true });
    const found = new Map(plan.items.map(({ id, ...item }) => [id, item]));
    for (const [id, detail] of Object.entries({ ...inVain, [lost]: /is not in R2/ }))
      expect(found.get(id)).toMatchObject({ action: "fail_again", detail: expect.stringMatching(detail) });
    expect(found.get(newer)).toMatchObject({ action: "replay" });
    expect(plan).toMatchObject({ total: 10, wouldReplay: 1, wouldFail: 9, wouldSkip: 0, more: false });
    expect(index.sent).toEqual([]);

    index.openable = [envelope.kid];
    const [mended] = (await index.plan({ ids: [Object.keys(inVain)[0] ?? ""] })).items;
    expect(mended).toMatchObject({ action: "replay", detail: "waits for a block again" });
  });

  it("is not made while R2 does not answer", async () => {
    const index = new TestIndex();
    await index.giveUp("indexer", { v: 1, blockNumber: 8, from: 0 });
    index.failing = ["r2"];
    await expect(index.plan({ all: true })).rejects.toThrow("r2 is down");
  });

  it("is of what the replay would be of, in its order", async () => {
    const index = new TestIndex();
    for (let n = 0; n < 7; n++) {
      await index.giveUp("indexer", { v: 1, blockNumber: 70 + n });
      if (n % 3 === 0) index.pass(1); // some of them at the same moment
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
