import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errorText, logger, scrub } from "../../../../shared/runtime/log.ts";
import { cpuMilliseconds } from "../../../support/stack/cpu-time.ts";

const SECRETS = [
  "whsec_3b1f9d0c7a5e48f2",
  "sk_live_51Hx9aBcDeF",
  "sk_test_51Hx9aBcDeF",
  "rk_live_51Hx9aBcDeF",
  "rk_test_51Hx9aBcDeF",
  `vdc_at_${"Ab9_-".repeat(8)}xyz`,
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-bmF0_dXJl",
];
const ADDRESSES = [
  "ann@example.com",
  "ann.o-b+tag@mail.example.co.uk",
  "A_N%N@EXAMPLE.ORG",
  "ann%40example.com",
];

describe("the scrubber", () => {
  it.each(SECRETS)("takes away %s, wherever it stands", (secret) => {
    for (const text of [
      secret,
      `x ${secret} y`,
      `"${secret}"`,
      `key=${secret}&z`,
      `Bearer ${secret}.`,
      `(${secret})`,
    ]) {
      expect(scrub(text)).not.toContain(secret.slice(0, 12));
      expect(scrub(text)).toContain("[secret]");
    }
  });

  it.each(ADDRESSES)("takes away %s, wherever it stands", (address) => {
    for (const text of [address, `to <${address}>, or`, `"email":"${address}"`, `mailto:${address}?x`]) {
      expect(scrub(text).toLowerCase()).not.toContain("example");
      expect(scrub(text)).toContain("[e-mail]");
    }
  });

  it("takes away every one of several", () => {
    const all = [...SECRETS, ...ADDRESSES].join(" ");
    expect(scrub(all)).toBe([...SECRETS.map(() => "[secret]"), ...ADDRESSES.map(() => "[e-mail]")].join(" "));
  });

  it("leaves what an operator needs", () => {
    const txId = `vdc_tx_${"0a".repeat(20)}`;
    for (const text of [
      txId,
      "a".repeat(64),
      "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
      "/api/vdc/blocks/12",
      "block 3: R2 holds other bytes under blocks/3.json than those sealed",
      "http://127.0.0.1:8787/ipfs/Qm1?format=raw",
      "@cloudflare/workers-types",
    ])
      expect(scrub(text)).toBe(text);
  });
});

describe("the text of an error", () => {
  it("is its name and message, scrubbed and cut", () => {
    expect(errorText(new TypeError("no R2"))).toBe("TypeError: no R2");
    expect(errorText(new Error("for ann@example.com"))).toBe("Error: for [e-mail]");
    expect(errorText("a text")).toBe("a text");
    expect(errorText(new Error("no", { cause: new TypeError("for ann@example.com") }))).toBe(
      "Error: no; cause: TypeError: for [e-mail]",
    );
    expect(errorText(undefined)).toBe("undefined");
    expect(errorText(new Error("x".repeat(10_000))).length).toBe(500);
  });

  it("shows no part of a secret that the cut would split [T66]", () => {
    const text = errorText(new Error(`${"x".repeat(480)} whsec_3b1f9d0c7a5e48f2`));
    expect(text).not.toContain("whsec_");
  });
});

describe("a large text", () => {
  it.each([
    ["one long word", "e".repeat(300_000)],
    ["many beginnings of an address", "a.".repeat(150_000)],
    ["many beginnings of a token", "eyJ-".repeat(75_000)],
    ["many at signs", "a@".repeat(150_000)],
  ])("is scrubbed quickly: %s [T69]", async (_, text) => {
    const spent = await cpuMilliseconds(() => {
      errorText(new Error(text));
      scrub(text);
    });
    expect(spent).toBeLessThan(5_000); // a quadratic scan takes half a minute
  });
});

describe("a log line", () => {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    for (const name of ["log", "warn", "error"] as const)
      vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(`${name} ${line}`));
  });
  afterEach(() => vi.restoreAllMocks());

  const parsed = () =>
    lines.map((line) => JSON.parse(line.slice(line.indexOf(" "))) as Record<string, unknown>);

  it("is one JSON object with time, level, worker, event and the fields", () => {
    const log = logger("miner", { chainId: "vdc-main" }).with({ requestId: "r-1" });
    log.info("block.sealed", { blockNumber: 3, won: true, none: null, absent: undefined });
    log.warn("w");
    log.error("e", { text: 'a "quoted"\nline' });
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["log", "warn", "error"]);
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
    expect(parsed()).toMatchObject([
      {
        level: "info",
        worker: "miner",
        event: "block.sealed",
        chainId: "vdc-main",
        requestId: "r-1",
        blockNumber: 3,
        won: true,
        none: null,
      },
      { level: "warn", event: "w" },
      { level: "error", text: 'a "quoted"\nline' },
    ]);
    expect(new Date(String(parsed()[0]?.time)).getTime()).toBeGreaterThan(0);
  });

  it("stays JSON and holds nothing secret, whatever stands before it in a value [T66 T69]", () => {
    const log = logger("miner");
    for (const before of ["", "\n", "\t", "\r\n", '"', "\\", "\\n", "é", "\u0001"])
      for (const hidden of [...SECRETS, ...ADDRESSES]) log.info("x", { value: `${before}${hidden}` });
    for (const { value } of parsed()) {
      expect(value).toMatch(/\[(?:secret|e-mail)\]$/);
      expect(value).not.toMatch(/whsec|example|_live_|_test_|vdc_at_|eyJ/i);
    }
  });
});
