import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPinningService, type PinningService } from "../../../../cli/local/pinning/server.ts";
import { RetryLater } from "../../../../shared/runtime/errors.ts";
import { errorText } from "../../../../shared/runtime/log.ts";
import { reasonText } from "../../../../shared/schema/reason-text.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../../shared/crypto/cid.ts";
import { ipfsGateway, ipfsTier, pinAndReadBack, WrongCid } from "../../../../shared/storage/ipfs-tier.ts";
import { pinataPinner } from "../../../../shared/storage/pinata.ts";
import type { Pinner } from "../../../../shared/storage/pinner.ts";

const BYTES = utf8("a record".repeat(100_000));

let dir: string;
let service: PinningService;
let pinner: Pinner;
let cid: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "vdc-pinata-"));
  service = await startPinningService({ dir, jwt: "local-test-token" });
  const { uploadUrl, endpointUrl } = service;
  pinner = pinataPinner({ jwt: "local-test-token", uploadUrl, endpointUrl, deadlineMs: 5_000 });
  cid = await cidV0(BYTES);
});
afterEach(async () => {
  await service.close();
  await rm(dir, { recursive: true });
});

describe("the rate limit of the service", () => {
  it("makes a call wait as long as the service asks", async () => {
    service.setFault({ kind: "rate_limit", retryAfterSeconds: 7, on: "list" });
    const refused = pinner.isPinned(cid);
    await expect(refused).rejects.toMatchObject({ seconds: 7 });
    await expect(refused).rejects.toBeInstanceOf(RetryLater);
  });
});

/** A pinning service of which each list call is answered with this. */
async function listing<T>(data: unknown, work: (of: Pinner) => Promise<T>): Promise<T> {
  const server = createServer((_, answer) =>
    answer.setHeader("content-type", "application/json").end(JSON.stringify({ data })),
  );
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  try {
    return await work(
      pinataPinner({ jwt: "local-test-token", uploadUrl: url, endpointUrl: url, deadlineMs: 5_000 }),
    );
  } finally {
    server.close();
  }
}

describe("listing", () => {
  it("gives the pins with these key values and no other, oldest first", async () => {
    const of = async (text: string, keyvalues: Record<string, string>) => ({
      cid: await pinner.pin(utf8(text), "a", keyvalues),
      size: text.length,
      keyvalues,
    });
    const first = await of("the first", { chain: "a", n: "1" });
    await of("another chain's", { chain: "b", n: "1" });
    const second = await of("the second", { chain: "a", n: "2" });
    const page = await pinner.list({ chain: "a" }, undefined);
    expect(page).toMatchObject({ pins: [first, second], next: undefined });
    expect(page.pins).toHaveLength(2);
    expect(await pinner.list({ chain: "c" }, undefined)).toEqual({ pins: [], next: undefined });
  });

  it("is an error when a page names itself as the next one, and never goes on for ever", async () => {
    await listing({ files: [], next_page_token: "MQ" }, async (repeating) => {
      expect(await repeating.list({}, undefined)).toEqual({ pins: [], next: "MQ" });
      await expect(repeating.list({}, "MQ")).rejects.toThrow("same cursor twice");
    });
  });

  it.for([{}, { files: "none" }, { files: [{ cid: "QmX", size: -1 }] }, { files: [{ size: 1 }] }, "none"])(
    "is an error, and not an empty list, when the answer is no list: %j",
    async (answer) => {
      await expect(listing(answer, (of) => of.list({}, undefined))).rejects.toThrow("can't be read");
    },
  );

  it("waits as the service asks when it limits the rate", async () => {
    service.setFault({ kind: "rate_limit", retryAfterSeconds: 7, on: "list" });
    await expect(pinner.list({}, undefined)).rejects.toMatchObject({ name: "RetryLater", seconds: 7 });
  });
});

describe("a service that quotes the request which it refuses", () => {
  it("does not get our token into an error, whichever call it was [T21 T30]", async () => {
    service.setFault({ kind: "quoting" });
    for (const call of [
      () => pinner.pin(BYTES, "a", {}),
      () => pinner.isPinned(cid),
      () => pinner.list({}, undefined),
    ]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain("local-test-token");
      expect(errorText(error)).toMatch(/authorization.*Bearer \[secret\]/); // so it was quoted
      expect(reasonText(error)).not.toMatch(/authorization|Bearer/);
    }
  });
});

describe("a failure of the service", () => {
  it.for<[Parameters<PinningService["setFault"]>[0], RegExp]>([
    [{ kind: "unauthorized" }, /^the pinning service answered 401: .*Set PINATA_JWT/],
    [{ kind: "fail", status: 403 }, /^the pinning service answered 403: .*Set PINATA_JWT/],
    [{ kind: "fail", status: 500 }, /^the pinning service answered 500$/],
    [{ kind: "fail", status: 503, html: true }, /^the pinning service answered 503$/],
    [{ kind: "fail", status: 200, html: true }, /^the pinning service gave no answer that can be read$/],
  ])("is told in our words, and the SDK's are in the log as its cause: %o", async ([fault, words]) => {
    service.setFault(fault);
    for (const call of [() => pinner.pin(BYTES, "a", {}), () => pinner.isPinned(cid)]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(reasonText(error)).toMatch(words);
      expect(errorText(error)).toMatch(/; cause: \w*Error: /);
    }
  });

  it("is told in our words when nothing listens, and when no answer comes in time", async () => {
    const { uploadUrl, endpointUrl } = service;
    const hasty = pinataPinner({ jwt: "local-test-token", uploadUrl, endpointUrl, deadlineMs: 50 });
    service.setFault({ kind: "stall" });
    await expect(hasty.isPinned(cid)).rejects.toThrow(/^the pinning service did not answer in time$/);
    service.clearFaults();
    await service.close();
    await expect(pinner.isPinned(cid)).rejects.toThrow(/^the pinning service gave no answer/);
    service = await startPinningService({ dir, jwt: "local-test-token" });
  });
});

describe("a gateway", () => {
  it("serves a file when every byte of it is the right one [T19]", async () => {
    const gateway = ipfsGateway(service.gatewayUrl, 5_000);
    expect(await gateway.serves(cid, BYTES)).toBe(false);
    await pinner.pin(BYTES, "a", {});
    expect(await gateway.serves(cid, BYTES)).toBe(true);
    await expect(gateway.serves(cid, BYTES.subarray(1))).rejects.toBeInstanceOf(WrongCid);
    await expect(gateway.serves(cid, BYTES.subarray(0, -1))).rejects.toBeInstanceOf(WrongCid);
    await expect(gateway.serves(cid, new Uint8Array([...BYTES, 1]))).rejects.toBeInstanceOf(WrongCid);
    service.setFault({ kind: "gateway_altered" });
    await expect(gateway.serves(cid, BYTES)).rejects.toBeInstanceOf(WrongCid);
  });
});

describe("a web page in the place of a file", () => {
  it.for([200, 403, 503])("could not be checked, and is no wrong file: %d", async (status) => {
    const gateway = ipfsGateway(service.gatewayUrl, 5_000);
    await pinner.pin(BYTES, "a", {});
    service.setFault({ kind: "fail", status, html: true, on: "gateway" });
    for (const call of [() => gateway.fetch(cid), () => gateway.serves(cid, BYTES)]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(WrongCid);
    }
    const tier = ipfsTier(pinner, gateway);
    await expect(tier.read({ blockNumber: 1, cid, hash: "" })).rejects.not.toBeInstanceOf(WrongCid);
    const unpinned = await cidV0(utf8("never pinned"));
    expect(await tier.read({ blockNumber: 1, cid: unpinned, hash: "" })).toEqual({
      state: "missing",
      detail: "not pinned",
    });
  });
});

describe("a gateway that limits the rate", () => {
  it.for([
    [7, 7],
    [86_000, 3_600],
  ])("and asks for %d seconds is asked again after %d", async ([asked = 0, seconds]) => {
    const gateway = ipfsGateway(service.gatewayUrl, 5_000);
    service.setFault({ kind: "rate_limit", retryAfterSeconds: asked, on: "gateway" });
    for (const call of [() => gateway.fetch(cid), () => gateway.serves(cid, BYTES)]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RetryLater);
      expect(error).toMatchObject({ seconds });
    }
  });
});

describe("pinning and reading back", () => {
  it("uploads once, though the gateway limits the read until the third try", async () => {
    const gateway = ipfsGateway(service.gatewayUrl, 5_000);
    const file = { kind: "chain_block", bytes: BYTES, cid, name: "a", keyvalues: {} } as const;
    service.setFault({ kind: "rate_limit", retryAfterSeconds: 1, on: "gateway", times: 2 });
    await expect(pinAndReadBack(pinner, gateway, file)).rejects.toBeInstanceOf(RetryLater);
    await expect(pinAndReadBack(pinner, gateway, file)).rejects.toBeInstanceOf(RetryLater);
    await pinAndReadBack(pinner, gateway, file);
    expect(service.stats().requests.upload).toBe(1);
  });
});
