import { describe, expect, it } from "vitest";
import { migrate } from "../../../../workers/accounts/metadata/keep-metadata.ts";
import { releaseBytes, reserveBytes } from "../../../../workers/accounts/documents/upload-quota.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

const DAY = 86_400_000;
const NOON = 20_000 * DAY + DAY / 2;
const MIDNIGHT = 20_001 * DAY;

function counter() {
  const sql = memorySql();
  sql.transaction(() => migrate(sql));
  return sql;
}

describe("a user's quota of a day", () => {
  it("is granted up to its last byte, and the answer says how much of it is used", () => {
    const sql = counter();
    expect(reserveBytes(sql, 60, 100, NOON)).toEqual({ granted: true, usedBytes: 60, resetsAt: MIDNIGHT });
    expect(reserveBytes(sql, 41, 100, NOON)).toEqual({ granted: false, usedBytes: 60, resetsAt: MIDNIGHT });
    expect(reserveBytes(sql, 40, 100, NOON)).toMatchObject({ granted: true, usedBytes: 100 });
    expect(reserveBytes(sql, 1, 100, MIDNIGHT - 1)).toMatchObject({ granted: false });
  });

  it("begins anew at midnight UTC, in one row", () => {
    const sql = counter();
    reserveBytes(sql, 100, 100, NOON);
    expect(reserveBytes(sql, 100, 100, MIDNIGHT)).toMatchObject({ granted: true, usedBytes: 100 });
    expect(sql.look("SELECT count(*) AS rows FROM uploaded")).toEqual([{ rows: 1 }]);
  });

  it("gets back what was not stored, on the same day only", () => {
    const sql = counter();
    const { resetsAt } = reserveBytes(sql, 60, 100, NOON);
    releaseBytes(sql, 60, resetsAt);
    expect(reserveBytes(sql, 100, 100, NOON)).toMatchObject({ granted: true });
    reserveBytes(sql, 50, 100, MIDNIGHT);
    releaseBytes(sql, 100, resetsAt);
    expect(reserveBytes(sql, 51, 100, MIDNIGHT)).toMatchObject({ granted: false, usedBytes: 50 });
  });
});
