import * as v from "valibot";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { json } from "../../../../shared/http/answer.ts";
import { Problem } from "../../../../shared/http/problems.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import { operation, type Arrival } from "../../../../workers/gateway/http/operation.ts";
import { clientOf } from "../../../../workers/gateway/http/rate-limit.ts";
import { routerOf, type Route } from "../../../../workers/gateway/http/router.ts";
import { ROUTES } from "../../../../workers/gateway/routes.ts";

const ADDRESS = "192.0.2.7";
/** A context with an operator, for calls that require one. */
const context = {
  waitUntil: () => {},
  access: { aud: "vdc", getIdentity: async () => ({ email: "ann@example.com" }) },
} as unknown as Arrival["context"];

/** Keys that each limiter was asked about. */
let asked: { PUBLIC_WRITES: string[]; UNKNOWN_READS: string[]; PUBLIC_UPLOADS: string[] };
/** The limiters' answer. */
let limit: () => Promise<{ success: boolean }>;
let env: Record<string, unknown>;

beforeEach(() => {
  vi.spyOn(console, "warn").mockReturnValue();
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
  asked = { PUBLIC_WRITES: [], UNKNOWN_READS: [], PUBLIC_UPLOADS: [] };
  limit = async () => ({ success: false });
  const limiter = (name: keyof typeof asked) => ({
    limit: async ({ key }: { key: string }) => {
      asked[name].push(key);
      return limit();
    },
  });
  env = {
    ACCESS_AUD: "vdc",
    RATE_LIMITING: "on",
    PUBLIC_WRITES: limiter("PUBLIC_WRITES"),
    UNKNOWN_READS: limiter("UNKNOWN_READS"),
    PUBLIC_UPLOADS: limiter("PUBLIC_UPLOADS"),
  };
});

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function ask(routes: readonly Route[], path: string, asking: Asking = {}): Promise<Response> {
  const headers = { "cf-connecting-ip": ADDRESS, ...asking.headers };
  const request = new Request(`https://vdc.example${path}`, { ...asking, headers });
  const arrival = { request, env: env as unknown as Arrival["env"], context, requestId: "test-limits" };
  return routerOf(routes)({ ...arrival, log: logger("test") });
}

const name = ([method, path]: Route) => `${method} ${path}`;

const WRITE: Route = [
  "POST",
  "/write",
  operation({ does: "", who: "anyone", body: v.strictObject({}), answers: {} }, async () => json({})),
];
const write = (asking: Asking = {}) => ask([WRITE], "/write", { method: "POST", body: "{}", ...asking });

const LIMITED = {
  slug: "rate-limited",
  headers: { "retry-after": "60", "access-control-allow-origin": "*" },
};

describe("a public write", () => {
  it("is counted by its address, and refused beyond the limit before its body is read", async () => {
    await expect(write({ body: "not JSON" })).rejects.toMatchObject(LIMITED);
    expect(asked).toMatchObject({ PUBLIC_WRITES: [ADDRESS], UNKNOWN_READS: [] });
    limit = async () => ({ success: true });
    expect((await write()).status).toBe(200);
  });

  it("is not what a HEAD asks for, which is a read", async () => {
    const read = operation({ does: "", who: "anyone", answers: {} }, async () => json({}));
    expect((await ask([["GET", "/read", read]], "/read", { method: "HEAD" })).status).toBe(200);
    expect(asked).toMatchObject({ PUBLIC_WRITES: [], UNKNOWN_READS: [] });
  });

  it("is let through by a limiter that fails, and the failure is logged", async () => {
    limit = () => Promise.reject(new Error("the limiter is down"));
    expect((await write()).status).toBe(200);
    expect(vi.mocked(console.error).mock.calls.join()).toContain("rate.limiter_failed");
  });

  it("is let through when the address is not known, and where limits are off", async () => {
    const request = new Request("https://vdc.example/write", { method: "POST", body: "{}" });
    const arrival = { request, env: env as unknown as Arrival["env"], requestId: "test-limits" };
    const answered = await routerOf([WRITE])({
      ...arrival,
      context,
      log: logger("test"),
    });
    expect(answered.status).toBe(200);
    env.RATE_LIMITING = "off";
    expect((await write()).status).toBe(200);
    expect(asked.PUBLIC_WRITES).toEqual([]);
  });

  it("is limited unless limits are clearly off", async () => {
    for (const setting of ["on", "", "Off", "false"]) {
      env.RATE_LIMITING = setting;
      await expect(write(), setting).rejects.toMatchObject(LIMITED);
    }
  });

  it("leaves no address in the log [T68]", async () => {
    await expect(write()).rejects.toMatchObject(LIMITED);
    expect(vi.mocked(console.warn).mock.calls.join()).toContain("rate.limited");
    expect(vi.mocked(console.warn).mock.calls.join()).not.toContain(ADDRESS);
  });
});

describe("the calls of the gateway", () => {
  // An empty cache, so that every call must read on.
  beforeEach(() => {
    vi.stubGlobal("caches", { default: { match: async () => undefined } });
  });

  /** Every binding that a call reaches, apart from KV, which is empty. */
  const REACHED = [
    "R2",
    "CHAIN_HEAD",
    "MONITOR",
    "DEAD_LETTERS",
    "AUDIT_LOG",
    "INGEST_WEBHOOK",
    "STORAGE_VERIFIER",
    "ACCOUNTS",
    "LOG_HEAD",
  ];

  class Touched extends Error {}

  async function outcome([method, path]: Route): Promise<string> {
    const touched = new Proxy(
      {},
      {
        get: (_, name) => {
          throw new Touched(String(name));
        },
      },
    );
    env = {
      ...env,
      KV: {
        get: async (key: unknown) => (Array.isArray(key) ? new Map() : null),
        getWithMetadata: async () => ({ value: null, metadata: null }),
      },
      ...Object.fromEntries(REACHED.map((name) => [name, touched])),
    };
    const url = path
      .replace(":blockNumber", "7")
      .replace(":txId", `vdc_tx_${"0".repeat(40)}`)
      .replace(":assetId", "deed-1")
      .replace(":level", "0")
      .replace(":index+", "000")
      .replace(":size", "3")
      .replace(/\/consistency$/, "/consistency?from=1")
      .replace(/\/by-hash$/, "/by-hash?prefix=0000")
      .replaceAll(/:\w+/g, "0".repeat(64));
    try {
      return String((await ask(ROUTES, url, { method })).status);
    } catch (error) {
      if (error instanceof Touched) return "touched";
      if (error instanceof Problem) return error.slug;
      throw error;
    }
  }

  const open = ROUTES.filter(([, , { plan }]) => plan.who === "anyone");

  it.for(open.filter(([method]) => method !== "GET").map((route) => [name(route), route] as const))(
    "%s is counted as a write [T7]",
    async ([, route]) => {
      expect(await outcome(route)).toBe("rate-limited");
      const [, path, { plan }] = route;
      expect(plan.upload === true).toBe(path === "/api/documents");
      expect(asked).toMatchObject(
        plan.upload === true
          ? { PUBLIC_WRITES: [], PUBLIC_UPLOADS: [ADDRESS] }
          : { PUBLIC_WRITES: [ADDRESS], PUBLIC_UPLOADS: [] },
      );
    },
  );

  it.for(open.filter(([method]) => method === "GET").map((route) => [name(route), route] as const))(
    "%s is counted before it asks more than KV, or asks no more",
    async ([, route]) => {
      const { beyondKv = false } = route[2].plan;
      const said = await outcome(route);
      expect(said === "rate-limited").toBe(beyondKv);
      expect(said).not.toBe("touched");
      expect(asked).toMatchObject({ PUBLIC_WRITES: [], UNKNOWN_READS: beyondKv ? [ADDRESS] : [] });
    },
  );

  it("are not limited for Stripe, nor for operators", async () => {
    for (const route of ROUTES.filter(([, , { plan }]) => plan.who !== "anyone"))
      expect(await outcome(route), name(route)).not.toBe("rate-limited");
    expect(asked).toMatchObject({ PUBLIC_WRITES: [], UNKNOWN_READS: [] });
  });
});

describe("an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:1::", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
  ])("%s stands for %s", (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});
