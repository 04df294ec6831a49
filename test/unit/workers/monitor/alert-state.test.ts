import { beforeEach, describe, expect, it } from "vitest";
import type { AlertCheck, DuePost } from "../../../../shared/objects/alerts.ts";
import { alertStates, recordAlerts, recordPost, takeDuePosts } from "../../../../workers/monitor/alerts.ts";
import { migrate } from "../../../../workers/monitor/schema.ts";
import { memorySql, type MemorySql } from "../../../support/stack/sqlite.ts";

const REPEAT_SECONDS = 86_400;
const START = 1_800_000_000_000;

const fires = (more: Partial<AlertCheck> = {}): AlertCheck => ({
  alert: "halted",
  firing: true,
  summary: "The chain is halted.",
  details: { reason: "a test" },
  ...more,
});
const isOver = (): AlertCheck => ({ alert: "halted", firing: false, summary: "It goes on.", details: {} });

/** The monitor's alerts and a receiver that can be down. The test sets the time. */
let sql: MemorySql;
let now: number;
let away: boolean;
let received: DuePost[];

beforeEach(() => {
  sql = memorySql();
  migrate(sql);
  now = START;
  away = false;
  received = [];
});

/** Lets a minute pass: looks, posts, and notes the posts. */
function minute(...checks: AlertCheck[]): void {
  recordAlerts(sql, checks, now);
  for (const post of takeDuePosts(sql, REPEAT_SECONDS, now)) {
    if (!away) received.push(post);
    recordPost(sql, post, !away, now + 500);
  }
  now += 60_000;
}

const states = () => received.map(({ state }) => state);

describe("an alert", () => {
  it("is posted once when it begins to fire, with since when and what to do", () => {
    for (let i = 0; i < 60; i++) minute(fires({ since: START - 5_000 }));
    expect(received).toEqual([
      {
        alert: "halted",
        state: "firing",
        summary: "The chain is halted.",
        since: START - 5_000,
        at: START,
        details: { reason: "a test" },
      },
    ]);
  });

  it("is posted when it is over, once", () => {
    minute(fires());
    minute(isOver());
    for (let i = 0; i < 10; i++) minute(isOver());
    expect(states()).toEqual(["firing", "resolved"]);
    expect(received[1]).toMatchObject({ summary: "It goes on.", since: START, at: START + 60_000 });
  });

  it("is not posted when it never fired", () => {
    for (let i = 0; i < 10; i++) minute(isOver());
    expect(received).toEqual([]);
    expect(alertStates(sql)).toMatchObject([{ alert: "halted", firing: false }]);
  });

  it("is posted again a day later while it goes on, as it is then, and no sooner", () => {
    for (let i = 0; i < 24 * 60; i++) minute(fires());
    expect(received).toHaveLength(1);
    for (let i = 0; i < 3; i++) minute(fires({ summary: "Still halted." }));
    expect(states()).toEqual(["firing", "firing"]);
    expect(received[1]).toMatchObject({ summary: "Still halted.", since: START });
    for (let i = 0; i < 23 * 60; i++) minute(fires());
    expect(received).toHaveLength(2);
  });

  it("is tried again each minute until it is taken", () => {
    away = true;
    for (let i = 0; i < 5; i++) minute(fires());
    away = false;
    for (let i = 0; i < 5; i++) minute(fires());
    expect(states()).toEqual(["firing"]);
    expect(received[0]).toMatchObject({ since: START });
  });

  it("does not lose its recovery when that can't be posted", () => {
    minute(fires());
    away = true;
    for (let i = 0; i < 5; i++) minute(isOver());
    away = false;
    for (let i = 0; i < 5; i++) minute(isOver());
    expect(states()).toEqual(["firing", "resolved"]);
    expect(received[1]).toMatchObject({ at: START + 60_000 });
  });

  it("is said to be over also when no post of it was taken for certain: one that failed may have arrived", () => {
    away = true;
    minute(fires());
    minute(isOver());
    away = false;
    for (let i = 0; i < 5; i++) minute(isOver());
    expect(states()).toEqual(["resolved"]);
  });

  it("is posted anew when it fires again", () => {
    minute(fires({ since: START }));
    minute(isOver());
    minute(fires({ since: START + 100_000 }));
    minute(isOver());
    expect(states()).toEqual(["firing", "resolved", "firing", "resolved"]);
    expect(received.map(({ since }) => since)).toEqual([START, START, START + 100_000, START + 100_000]);
  });

  it("ends as firing for the receiver, with the new beginning, when it fires again before its recovery was taken", () => {
    minute(fires({ since: START }));
    away = true;
    minute(isOver());
    away = false;
    minute(fires({ since: START + 100_000 }));
    minute(fires());
    expect(states()).toEqual(["firing", "firing"]);
    expect(received[1]).toMatchObject({ since: START + 100_000 });
  });

  it("stays as it is while nothing can be found out about it", () => {
    minute(fires());
    for (let i = 0; i < 10; i++) minute();
    expect(alertStates(sql)).toMatchObject([{ firing: true, checkedAt: START }]);
    minute(isOver());
    expect(states()).toEqual(["firing", "resolved"]);
  });

  it("is posted with patience only when it lasts, and its end only when it was posted", () => {
    const firesAfterMs = 300_000;
    for (let i = 0; i < 3; i++) minute(fires({ firesAfterMs }));
    minute(isOver());
    expect(received).toEqual([]);
    for (let i = 0; i < 7; i++) minute(fires({ firesAfterMs }));
    minute(isOver());
    expect(states()).toEqual(["firing", "resolved"]);
  });

  it("is handed out once when two clocks ask at one moment", () => {
    recordAlerts(sql, [fires()], now);
    expect(takeDuePosts(sql, REPEAT_SECONDS, now)).toHaveLength(1);
    expect(takeDuePosts(sql, REPEAT_SECONDS, now + 10)).toEqual([]);
    expect(takeDuePosts(sql, REPEAT_SECONDS, now + 60_000)).toHaveLength(1); // the Worker that was to post it died
  });

  it("has a life of its own beside the others", () => {
    minute(fires(), fires({ alert: "stalled", summary: "Block 3 stalls." }));
    minute(isOver(), fires({ alert: "stalled", summary: "Block 3 stalls." }));
    expect(received.map(({ alert, state }) => `${alert} ${state}`)).toEqual([
      "halted firing",
      "stalled firing",
      "halted resolved",
    ]);
  });
});

describe("a look", () => {
  it("says what began and what ended with it", () => {
    expect(recordAlerts(sql, [fires()], now)).toEqual([
      { alert: "halted", firing: true, summary: "The chain is halted." },
    ]);
    expect(recordAlerts(sql, [fires()], now)).toEqual([]);
    expect(recordAlerts(sql, [isOver()], now)).toEqual([
      { alert: "halted", firing: false, summary: "It goes on." },
    ]);
    expect(recordAlerts(sql, [isOver()], now)).toEqual([]);
  });
});
