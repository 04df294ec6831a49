import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AnswerFailure } from "../../../cli/http/answer-failure.ts";
import { sourceBlockOf } from "../../../cli/chain/record.ts";
import { verifyCid, UnverifiedChain } from "../../../cli/chain/verify.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import { startPinningService, type PinningService } from "../../../cli/local/pinning/server.ts";
import { StoredDocument } from "../../../shared/chain/document.ts";
import { failureOf, VdcProblem, VdcUnreachable } from "../../../shared/client/problem.ts";
import { askedFor, pauseBefore } from "../../../shared/client/retry.ts";
import { readAnswer, parsed, Transport } from "../../../shared/client/transport.ts";
import { Unverified, verifyMined, type ShownChain } from "../../../shared/client/verify-mined.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { blockRecord } from "../../../shared/storage/kv-tier.ts";
import { retryAfterSeconds } from "../../../shared/storage/retry-after.ts";
import { blockBytes } from "../../../shared/chain/block.ts";
import { announced, CHAIN_ID, genesis, payment, signerOf, TestChain } from "../../support/chain/chain.ts";
import { RUBBISH, spoiled } from "../../support/assertions/mutations.ts";
import { nearly } from "../../support/assertions/nearly.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { CHARACTER } from "../../support/assertions/character.ts";

const status = fc.oneof(fc.integer({ min: 300, max: 599 }), fc.constantFrom(400, 401, 404, 409, 429, 503));
const problem = {
  type: "urn:vdc:problem:not-found",
  title: "There is no such thing here",
  status: 404,
  detail: "There is no block 7.",
  requestId: "request-1",
};
/** JSON as a deployment answers it, or as a proxy in front of it might. */
const body = fc.oneof(
  nearly(fc.constant(problem)),
  fc.jsonValue({ stringUnit: CHARACTER }),
  fc.constant(undefined),
  fc.constantFrom<unknown>(
    { ...problem, detail: { toString: 1, valueOf: 1 } },
    { ...problem, detail: "\u001B[2J\u001B]0;owned\u0007" },
    { ...problem, type: "urn:vdc:problem:constructor", detail: null, title: null },
    { ...problem, type: "urn:vdc:problem:__proto__" },
  ),
);
const headerText = fc.oneof(
  fc.string(),
  fc.constantFrom("1", "0", "-1", "1e9", "Infinity", "NaN", "Wed, 21 Oct 2099 07:28:00 GMT", "9".repeat(400)),
);

describe("a failed answer", () => {
  it("becomes an error of the client's own, whatever it holds", () => {
    fc.assert(
      fc.property(status, body, (status, body) => {
        const failure = failureOf({ call: "GET https://vdc.example/", status, body });
        expect(failure instanceof VdcProblem || failure instanceof VdcUnreachable).toBe(true);
        expect(failure.message).not.toBe("");
      }),
    );
  });

  it("becomes a message and an exit code, and commands no terminal", () => {
    fc.assert(
      fc.property(status, body, fc.option(fc.webUrl()), (status, body, location) => {
        const failure = new AnswerFailure({ call: "GET https://vdc.example/", status, location, body });
        expect(Object.values(EXIT)).toContain(failure.exitCode);
        expect(failure.message).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u);
      }),
    );
  });

  it("is asked for again after a bounded pause, or never", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        status,
        fc.option(headerText),
        (attempt, status, retryAfter) => {
          const pause = pauseBefore(attempt, { status, retryAfter });
          expect(pause === undefined || (pause > 0 && pause <= 30_000)).toBe(true);
          expect(askedFor({ status, retryAfter })).toBeGreaterThanOrEqual(0);
          const seconds = retryAfterSeconds(retryAfter, Date.now());
          expect(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true);
        },
      ),
    );
  });
});

describe("an answer", () => {
  it("is said to be of somebody else when it is no JSON, or none of VDC's", async () => {
    const transport = new Transport("https://vdc.example", async () => new Response(bytes));
    let bytes = new Uint8Array();
    await fc.assert(
      fc.asyncProperty(RUBBISH, async (given) => {
        bytes = given;
        await expect(
          transport.json("/").catch((error: unknown) => expect(error).toBeInstanceOf(VdcUnreachable)),
        ).resolves.not.toBe(0n);
        expect(() => readAnswer(StoredDocument, given, "/")).toThrow(VdcUnreachable);
        const value = (() => {
          try {
            return parsed(given, "/");
          } catch (error) {
            expect(error).toBeInstanceOf(VdcUnreachable);
            return undefined;
          }
        })();
        if (value !== undefined && given.length < 5_000)
          expect(value).toEqual(JSON.parse(Buffer.from(given).toString()));
      }),
    );
  });

  it("is not verified when it is another record than the block's, whatever was changed", async () => {
    const system = await signerOf("system");
    const chain = new TestChain();
    await chain.add([genesis(system)], system);
    const block = await chain.add([payment("a")], system);
    const [first, second] = await Promise.all(
      chain.blocks.map(async (block) => {
        const copy = { block, bytes: blockBytes(block), cid: await cidV0(blockBytes(block)) };
        return blockRecord(copy, { gatewayUrl: "https://ipfs.example", now: () => 1 });
      }),
    );
    const txId = block.transactions[0]?.id ?? "";
    const shown = (record: unknown): ShownChain => ({
      announced: {
        chainId: CHAIN_ID,
        genesisHash: first?.hash ?? "",
        signingKeys: [{ ...announced(system), announcedIn: 0, retiredIn: null, revocation: null }],
      } as unknown as ShownChain["announced"],
      record: async (number) => (number === 0 ? first : record),
      genesisHash: first?.hash,
    });
    await fc.assert(
      fc.asyncProperty(spoiled(utf8(JSON.stringify(second)), JSON.stringify), async (bytes) => {
        const record = (() => {
          try {
            return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
          } catch {
            return null;
          }
        })();
        try {
          expect((await verifyMined(txId, { blockNumber: 1, index: 0 }, shown(record))).block).toEqual(block);
        } catch (error) {
          expect(error).toBeInstanceOf(Unverified);
        }
        const source = sourceBlockOf(record);
        const same = Buffer.compare(source.bytes, blockBytes(block)) === 0;
        const verified = verifyCid(1, source).catch((error: unknown) => error);
        if (same && source.cid === second?.ipfsHash) expect(await verified).toBe(source.cid);
        else if (source.cid !== undefined) expect(await verified).toBeInstanceOf(UnverifiedChain);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("the local pinning service", () => {
  let directory: string;
  let service: PinningService;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "vdc-fuzz-"));
    service = await startPinningService({ dir: directory, jwt: "local-test-token" });
  });
  afterAll(async () => {
    await service.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("refuses what is no request of Pinata's, and does not fail", async () => {
    const failed = vi.spyOn(console, "error").mockImplementation(() => {});
    const path = fc.oneof(
      fc.constantFrom(
        "/v3/files",
        "/v3/files/public",
        "/v3/files/public/pin_by_cid",
        "/v3/files/public/x",
        "/ipfs/Qm",
        "/__faults",
        "/",
      ),
      fc.webPath().map((path) => path || "/"),
      fc.constantFrom(
        "/ipfs/..%2f..%2fetc%2fpasswd",
        "/ipfs/%00",
        "/ipfs/__proto__",
        "/v3/files/public/%ff",
        "//x",
      ),
    );
    const search = fc.oneof(
      fc.constantFrom(
        "",
        "?limit=-1",
        "?limit=1e9",
        "?pageToken=%ff",
        "?keyvalues[__proto__]=1",
        "?cid=",
        "?format=x",
        "?order=ASC&limit=3",
      ),
    );
    const type = fc.constantFrom(
      "application/json",
      "multipart/form-data",
      "multipart/form-data; boundary=x",
      "text/plain",
    );
    const parts = fc
      .tuple(
        fc.constantFrom("file", "name", "keyvalues", "cid_version", "network", "__proto__"),
        fc.string(),
        fc.constantFrom("", '; filename="a"', '; filename="a\r\nb"'),
        fc.constantFrom("", "Content-Type: a/b\r\n", "Content-Type: \u0080\r\n"),
      )
      .map(
        ([name, value, file, type]) =>
          `--x\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type}\r\n${value}\r\n`,
      );
    const form = fc.array(parts, { maxLength: 4 }).map((all) => utf8(`${all.join("")}--x--\r\n`));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "DELETE", "PUT"),
        path,
        search,
        type,
        fc.oneof(RUBBISH, form),
        async (method, path, search, contentType, body) => {
          const url = `${service.url}${path.startsWith("//") ? "/x" : path}${search}`;
          const headers = { authorization: "Bearer local-test-token", "content-type": contentType };
          const response = await fetch(url, { method, headers, ...(method !== "GET" && { body }) });
          await response.arrayBuffer();
          expect(response.status, url).toBeLessThan(500);
        },
      ),
      { numRuns: runs(100) },
    );
    expect(failed).not.toHaveBeenCalled();
  });
});
