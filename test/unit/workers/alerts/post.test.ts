import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limitsOf, webhookOf, type Env } from "../../../../workers/alerts/env.ts";
import { postAlert } from "../../../../workers/alerts/post.ts";
import type { DuePost } from "../../../../shared/objects/alerts.ts";
import { logger } from "../../../../shared/runtime/log.ts";

const POST: DuePost = {
  alert: "halted",
  state: "firing",
  summary: "The chain is halted: ann@example.com paid with whsec_abc123.",
  since: 1,
  at: 2,
  details: { reason: "ann@example.com", blocks: 3 },
};

let server: Server;
let status: number;
let bodies: Record<string, unknown>[];
let url: URL;

beforeEach(async () => {
  status = 200;
  bodies = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      bodies.push(JSON.parse(text) as Record<string, unknown>);
      response.writeHead(status, { location: "/elsewhere" }).end("said");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0KEN`);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("a post", () => {
  it("says what an alert is, for programs and for people, without a secret or an e-mail address", async () => {
    expect(await postAlert(url, "vdc-test", POST)).toBeUndefined();
    expect(bodies).toEqual([
      {
        alert: "halted",
        state: "firing",
        summary: "The chain is halted: [e-mail] paid with [secret].",
        since: 1,
        at: 2,
        chainId: "vdc-test",
        details: { reason: "[e-mail]", blocks: 3 },
        text: expect.stringContaining("vdc-test halted: The chain is halted"),
      },
    ]);
  });

  it.for([201, 204])("is taken with %i", async (taken) => {
    status = taken;
    expect(await postAlert(url, "vdc-test", POST)).toBeUndefined();
  });

  it.for([302, 308, 400, 404, 410, 500])(
    "is not taken with %i, and is sent nowhere else",
    async (answered) => {
      status = answered;
      expect(await postAlert(url, "vdc-test", POST)).toBe(`the alert webhook answered ${answered}`);
      expect(bodies).toHaveLength(1);
    },
  );

  it("reports that it can't be made, and does not name the URL [T67]", async () => {
    for (const target of [new URL("http://127.0.0.1:1/T0KEN"), new URL("ftp://127.0.0.1/T0KEN")]) {
      const why = await postAlert(target, "vdc-test", POST);
      expect(why).toMatch(/^the alert webhook could not be reached \(\w+\)$/);
    }
  });
});

const SET = { PENDING_ALERT_SECONDS: "60", STALLED_ALERT_SECONDS: "70", ALERT_REPEAT_SECONDS: "80" };

describe("a setting", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is reported and replaced by the default when it is no number of seconds, and the alert is posted", () => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    const log = logger("test");
    expect(limitsOf(SET as Env, log)).toEqual({ pendingSeconds: 60, stalledSeconds: 70, repeatSeconds: 80 });
    expect(said).not.toHaveBeenCalled();
    for (const bad of ["", "0", "-5", "1.5", "soon", undefined])
      expect(limitsOf({ ...SET, PENDING_ALERT_SECONDS: bad } as Env, log).pendingSeconds, String(bad)).toBe(
        900,
      );
    expect(JSON.stringify(said.mock.calls)).toContain("PENDING_ALERT_SECONDS");
  });

  it("may leave the webhook out, and then nothing is posted; a webhook that is no URL is reported and not shown", () => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    const log = logger("test");
    expect(webhookOf({} as Env, log)).toBeUndefined();
    expect(webhookOf({ ALERT_WEBHOOK_URL: "" } as Env, log)).toBeUndefined();
    expect(said).not.toHaveBeenCalled();
    expect(webhookOf({ ALERT_WEBHOOK_URL: "hooks.example/T0KEN" } as Env, log)).toBeUndefined();
    expect(webhookOf({ ALERT_WEBHOOK_URL: "ftp://hooks.example/T0KEN" } as Env, log)).toBeUndefined();
    expect(said).toHaveBeenCalledTimes(2);
    expect(JSON.stringify(said.mock.calls)).not.toContain("T0KEN");
    expect(webhookOf({ ALERT_WEBHOOK_URL: "https://hooks.example/T0KEN" } as Env, log)?.host).toBe(
      "hooks.example",
    );
  });
});
