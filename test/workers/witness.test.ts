import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildWorkers } from "../../cli/local/stack/build.ts";
import { OPTIONS_FILE, type WorkerOptions } from "../../cli/local/stack/platform.ts";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { openCheckpoint } from "../../shared/tlog/open-checkpoint.ts";
import { generateSeedPair } from "../../shared/tlog/seed-pair.ts";
import { parseVkey, vkeyText } from "../../shared/tlog/vkey.ts";
import { MAX_REQUEST_BYTES } from "../../shared/witness/add-checkpoint.ts";
import { cosign, type Cosigning } from "../../shared/witness/client.ts";
import { loadCosigners } from "../../shared/witness/keyring.ts";
import { witnessedLog, type WitnessedLog } from "../support/chain/witnessed-log.ts";

const NAME = "witness.example/one";

let storage: string;
let log: WitnessedLog;
let secret: string;
let vkeys: string[];
let workerd: Miniflare;
let url: string;

/** Runs the bundle that is deployed, with these settings. */
async function start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  const bundle = (await buildWorkers())("witness");
  const options = JSON.parse(readFileSync(join(bundle, OPTIONS_FILE), "utf8")) as WorkerOptions;
  const bindings = {
    WITNESS_NAME: NAME,
    WITNESS_LOGS: log.vkeys.join("\n"),
    WITNESS_KEYRING: secret,
    ...settings,
  };
  workerd = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: storage,
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
      telemetry: { enabled: false },
      cf: false,
      workers: [
        {
          ...options,
          name: "vdc-witness",
          rootPath: bundle,
          modules: [{ type: "ESModule", path: "index.js" }],
          bindings,
        },
      ],
    }),
  );
  url = (await workerd.ready).origin;
}

beforeEach(async () => {
  storage = mkdtempSync(join(tmpdir(), "vdc-witness-"));
  log = await witnessedLog();
  secret = generateSeedPair();
  vkeys = (await loadCosigners(NAME, secret)).map(({ key }) => vkeyText(key));
  await start();
});
afterEach(async () => {
  await workerd.dispose();
  rmSync(storage, { recursive: true, force: true });
});

async function ask(size: number, oldSize: number, history = ""): Promise<Cosigning> {
  return cosign({ url, keys: vkeys.map(parseVkey) }, await log.note(size, history), {
    oldSize,
    proofFrom: async (from) => log.proof(from, size, history),
    fetch: (address, init) => fetch(address, init),
    timeout: () => new AbortController().signal,
  });
}

async function post(body: BodyInit): Promise<number> {
  const answer = await fetch(`${url}/add-checkpoint`, { method: "POST", body });
  await answer.arrayBuffer();
  return answer.status;
}

const shown = () => fetch(`${url}/${sha256Hex(utf8(log.origin))}/checkpoint`);

describe("the witness in workerd", () => {
  it("cosigns with both keys, and shows the cosigned note", async () => {
    expect((await shown()).status).toBe(404);
    expect(await ask(5, 0)).toMatchObject({ kind: "cosigned", size: 5 });
    expect(await ask(9, 5)).toMatchObject({ kind: "cosigned", size: 9 });
    const note = await (await shown()).text();
    const opened = await openCheckpoint(note, log.vkeys.map(parseVkey), vkeys.map(parseVkey));
    expect(opened.checkpoint.size).toBe(9);
    expect(opened.signatures.map(({ key }) => key.type)).toEqual([0x01, 0x06, 0x04, 0x06]);
  });

  it("refuses a fork and a rollback, also after a restart, with its state unchanged [T92]", async () => {
    await ask(5, 0);
    const before = await (await shown()).text();
    for (const round of ["before", "after"]) {
      expect(await ask(5, 5, "'"), round).toMatchObject({ kind: "refused", status: 422 });
      expect(await ask(8, 5, "'"), round).toMatchObject({ kind: "refused", status: 422 });
      expect(await post(`old 5\n\n${await log.note(4)}`), round).toBe(400);
      expect(await ask(4, 0), round).toEqual({ kind: "ahead", size: 5 });
      expect(await (await shown()).text()).toBe(before);
      if (round === "before") {
        await workerd.dispose();
        await start();
      }
    }
    expect(await ask(8, 5)).toMatchObject({ kind: "cosigned", size: 8 });
  });

  it("cosigns one of several histories that come at once [T92]", async () => {
    const answers = await Promise.all(["a", "b", "c", "d"].map((history) => ask(5, 0, history)));
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(["cosigned", "refused", "refused", "refused"]);
  });

  it("refuses strangers' notes, other logs, malformed and large bodies", async () => {
    const stranger = await witnessedLog(log.origin);
    const other = await witnessedLog("log.example/other");
    expect(await post(`old 0\n\n${await stranger.note(5)}`)).toBe(403);
    expect(await post(`old 0\n\n${await other.note(5)}`)).toBe(404);
    expect(await post("old\n\n")).toBe(400);
    expect(await post(Uint8Array.of(0xff))).toBe(400);
    expect(await post("x".repeat(MAX_REQUEST_BYTES + 1))).toBe(413);
    expect((await shown()).status).toBe(404);
  });

  it("says what it is, with its keys", async () => {
    const text = await (await fetch(url)).text();
    for (const expected of [NAME, log.origin, ...vkeys]) expect(text).toContain(expected);
  });

  it("signs nothing with bad settings, and says which one is bad, without a key", async () => {
    const seed = (JSON.parse(secret) as { ed25519: string }).ed25519;
    for (const [name, value] of [
      ["WITNESS_KEYRING", `{"ed25519":"${seed}"}`],
      ["WITNESS_KEYRING", secret.slice(1)],
      ["WITNESS_NAME", ""],
      ["WITNESS_LOGS", "no key"],
    ] as const) {
      await workerd.dispose();
      await start({ [name]: value });
      const answer = await fetch(`${url}/add-checkpoint`, {
        method: "POST",
        body: `old 0\n\n${await log.note(5)}`,
      });
      const text = await answer.text();
      expect(answer.status, text).toBe(503);
      expect(text).toContain(name);
      expect(text).not.toContain(seed);
    }
  });
});
