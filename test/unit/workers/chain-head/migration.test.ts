import { describe, expect, it } from "vitest";
import { migrateTo } from "../../../../shared/durable-object/sqlite.ts";
import { admit, type AdmissionRequest } from "../../../../workers/chain-head/decisions/admit.ts";
import { setValue } from "../../../../workers/chain-head/storage/key-values.ts";
import { paidIntents } from "../../../../workers/chain-head/reads/intents.ts";
import { approvedThatFit } from "../../../../workers/chain-head/decisions/reserve.ts";
import { migrate, MIGRATIONS } from "../../../../workers/chain-head/storage/schema.ts";
import { RULES, txId } from "../../../support/chain/chain-head.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

const RULES_OF_FOUR = { ...RULES, blockMaxTransactions: 4 };
const entry = (n: number): AdmissionRequest => ({
  txId: txId(n),
  timestamp: n,
  size: 500,
  envelopeSize: 1_000,
});

describe("a storage from before the chain head knew what a transaction needs", () => {
  it("lets no transaction of that time overtake, and none that needs something overtake those", () => {
    const sql = memorySql();
    migrateTo(sql, MIGRATIONS.slice(0, 4), "an older chain head's");
    for (const n of [1, 2, 3, 4, 5])
      sql.exec(
        "INSERT INTO tx (id, sequence, timestamp, size, admitted_at, state) VALUES (?, ?, ?, 500, 0, 'pending')",
        txId(n),
        n,
        n,
      );
    sql.exec("INSERT INTO intent (tx_id, timestamp, size, received_at) VALUES (?, 9, 500, 1)", txId(9));
    setValue(sql, "sequence", 5);

    migrate(sql);
    const paid = true;
    const admitNow = (...entries: AdmissionRequest[]) => void admit(sql, entries, RULES_OF_FOUR, 1);
    admitNow({ ...entry(6), needs: "ann's", paid }, { ...entry(7), paid, pays: txId(5) });
    admitNow({ ...entry(8), paid, pays: txId(9) });
    admitNow(...paidIntents(sql, "", 10).map((intent) => ({ ...intent, envelopeSize: 1_000 })));
    setValue(sql, "approvedThrough", 100);
    const next = () => approvedThatFit(sql, RULES_OF_FOUR).map(({ id }) => id);
    expect(next()).toEqual([1, 2, 7, 8].map(txId));

    const mined = (...numbers: number[]) =>
      void sql.look(
        "UPDATE tx SET state = 'mined' WHERE id IN (SELECT value FROM json_each(?))",
        JSON.stringify(numbers.map(txId)),
      );
    mined(7, 8);
    expect(next()).toEqual([1, 2, 3, 4].map(txId));
    admitNow(entry(10), entry(12), { ...entry(11), needs: "bob's", paid });
    mined(1, 2, 3, 4, 5);
    expect(next(), "9 waited for its payment, and may need what 11 needs").toEqual([6, 9, 10, 12].map(txId));
  });
});
