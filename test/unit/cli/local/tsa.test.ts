import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTimestampAuthority, type TimestampAuthority } from "../../../../cli/local/tsa/authority.ts";
import type { StampFault } from "../../../../cli/local/tsa/faults.ts";
import { fetchTimestamp, type FetchedTimestamp } from "../../../../shared/timestamp/fetch-timestamp.ts";
import { DATA, NONCE, NOW } from "../../../support/timestamps/stamps.ts";

const YEAR_MS = 366 * 24 * 3_600_000;
const LONG_MS = 120_000;

let dir: string;
let authority: TimestampAuthority;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "vdc-tsa-"));
  authority = await startTimestampAuthority({ dir, now: () => NOW });
});
afterEach(async () => {
  await authority.close();
  rmSync(dir, { recursive: true, force: true });
});

function stamp(deadlineMs = LONG_MS): Promise<FetchedTimestamp> {
  return fetchTimestamp(authority.url, DATA, { issuers: authority.issuers, fetch, nonce: NONCE, deadlineMs });
}

describe("the local time-stamp authority", () => {
  it("stamps what it is asked to", async () => {
    const { verified, response } = await stamp();
    expect(verified).toMatchObject({ time: NOW, authority: "CN=VDC local time-stamp authority" });
    expect(response.length).toBeLessThan(1_500);
    expect(authority.stamped()).toBe(1);
  });

  it("keeps its key and its certificates, the key for its owner alone", async () => {
    const { issuers } = authority;
    await authority.close();
    authority = await startTimestampAuthority({ dir, now: () => NOW });
    expect(authority.issuers).toBe(issuers);
    expect(readFileSync(authority.issuersFile, "utf8")).toBe(issuers);
    if (process.platform !== "win32") expect(statSync(join(dir, "key.pk8")).mode & 0o077).toBe(0);
    expect((await stamp()).verified.time).toBe(NOW);
  });

  it.for<[StampFault, string]>([
    [{ kind: "reject" }, "not_granted"],
    [{ kind: "other_data" }, "wrong_imprint"],
    [{ kind: "other_nonce" }, "wrong_nonce"],
    [{ kind: "wrong_signature" }, "wrong_signature"],
    [{ kind: "wrong_clock", offMs: -YEAR_MS }, "not_valid_then"],
  ])("lies when it is told to: $0.kind", async ([fault, reason]) => {
    authority.setFault(fault, 1);
    await expect(stamp()).rejects.toMatchObject({ name: "InvalidTimestamp", reason });
    expect((await stamp()).verified.time).toBe(NOW);
  });

  it("fails when it is told to", async () => {
    authority.setFault({ kind: "fail", status: 503 });
    await expect(stamp()).rejects.toMatchObject({ name: "TimestampUnavailable", status: 503 });
    authority.clearFaults();
    expect((await stamp()).verified.time).toBe(NOW);
  });

  it("stalls until its faults are cleared, and a caller waits no longer than its deadline", async () => {
    authority.setFault({ kind: "stall" });
    await expect(stamp(50)).rejects.toMatchObject({ name: "TimestampUnavailable" });
    const late = stamp();
    authority.clearFaults();
    expect((await late).verified.time).toBe(NOW);
  });

  it.for([
    ["GET", "application/timestamp-query", undefined],
    ["POST", "application/json", "{}"],
    ["POST", "application/timestamp-query", "no request"],
    ["POST", "application/timestamp-query", "x".repeat(5_000)],
  ] as const)("answers 400 to %s of %s", async ([method, type, body]) => {
    const { status } = await fetch(authority.url, {
      method,
      headers: { "content-type": type },
      ...(body !== undefined && { body }),
    });
    expect(status).toBe(400);
    expect(authority.stamped()).toBe(0);
  });
});

/** Asks an authority that answers this. */
function from(answer: () => Response): Promise<FetchedTimestamp> {
  return fetchTimestamp("http://127.0.0.1/", DATA, {
    issuers: authority.issuers,
    fetch: () => Promise.resolve(answer()),
    nonce: NONCE,
    deadlineMs: LONG_MS,
  });
}

describe("fetchTimestamp", () => {
  const headers = { "content-type": "application/timestamp-reply" };

  it.for<[string, () => Response]>([
    ["a web page", () => new Response("<h1>secret</h1>", { headers: { "content-type": "text/html" } })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "http://elsewhere/" } })],
    ["more than 64 kB", () => new Response(new Uint8Array(65_537), { headers })],
    [
      "no connection",
      () => {
        throw new TypeError("fetch failed: secret");
      },
    ],
  ])("calls %s unavailable, without the stranger's words", async ([, answer]) => {
    await expect(from(answer)).rejects.toMatchObject({
      name: "TimestampUnavailable",
      message: expect.not.stringContaining("secret") as string,
    });
  });

  it("believes no bytes that are no stamp", async () => {
    await expect(from(() => new Response("stamp", { headers }))).rejects.toMatchObject({
      reason: "malformed",
    });
  });
});
