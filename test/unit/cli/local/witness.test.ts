import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startWitness, type WitnessService } from "../../../../cli/local/witness/server.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import { parseVkey } from "../../../../shared/tlog/vkey.ts";
import { MAX_REQUEST_BYTES } from "../../../../shared/witness/add-checkpoint.ts";
import { cosign } from "../../../../shared/witness/client.ts";
import { witnessedLog, type WitnessedLog } from "../../../support/chain/witnessed-log.ts";
import { until } from "../../../support/stack/patience.ts";

const NAME = "witness.local/one";

let dir: string;
let log: WitnessedLog;
let witness: WitnessService;

const start = () => startWitness({ dir, name: NAME, logs: log.vkeys });

beforeEach(async () => {
  dir = join(mkdtempSync(join(tmpdir(), "vdc-witness-")), "state");
  log = await witnessedLog();
  witness = await start();
});
afterEach(async () => {
  await witness.close();
  rmSync(join(dir, ".."), { recursive: true, force: true });
});

async function ask(
  size: number,
  oldSize: number,
  { history = "", deadline = new AbortController().signal } = {},
) {
  return cosign({ url: witness.url, keys: witness.vkeys.map(parseVkey) }, await log.note(size, history), {
    oldSize,
    proofFrom: async (from) => log.proof(from, size, history),
    fetch: (url, init) => fetch(url, init),
    timeout: () => deadline,
  });
}

describe("the local witness", () => {
  it("cosigns over HTTP with both keys, and shows the cosigned note", async () => {
    const answer = await ask(5, 0);
    if (answer.kind !== "cosigned") throw new Error(JSON.stringify(answer));
    expect(answer.signatures.map(({ key }) => key.type)).toEqual([0x04, 0x06]);
    const shown = await fetch(`${witness.url}/${sha256Hex(utf8(log.origin))}/checkpoint`);
    expect(await shown.text()).toContain(`${log.origin}\n5\n`);
  });

  it("keeps its keys and its state when it is started again, so it refuses a fork and a rollback [T92]", async () => {
    await ask(5, 0);
    const { vkeys } = witness;
    await witness.close();
    witness = await start();
    expect(witness.vkeys).toEqual(vkeys);
    expect(await ask(5, 5, { history: "'" })).toMatchObject({ kind: "refused", status: 422 });
    expect(await ask(7, 5, { history: "'" })).toMatchObject({ kind: "refused", status: 422 });
    expect(await ask(4, 0)).toEqual({ kind: "ahead", size: 5 });
    const rollback = await fetch(`${witness.url}/add-checkpoint`, {
      method: "POST",
      body: `old 5\n\n${await log.note(4)}`,
    });
    expect(rollback.status).toBe(400);
    expect(await ask(7, 5)).toMatchObject({ kind: "cosigned", size: 7 });
  });

  it("keeps its keys in a file that only its owner reads", () => {
    expect(statSync(join(dir, "keyring.secret.json")).mode & 0o777).toBe(0o600);
  });

  it("cosigns one of two histories that are shown to it at once", async () => {
    const answers = await Promise.all(["", "'", '"'].map((history) => ask(5, 0, { history })));
    expect(answers.filter(({ kind }) => kind === "cosigned")).toHaveLength(1);
    expect(answers.filter((answer) => answer.kind === "refused" && answer.status === 422)).toHaveLength(2);
  });

  it("refuses a body that is too large, and serves the next request", async () => {
    const body = "x".repeat(2 * MAX_REQUEST_BYTES);
    expect((await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body })).status).toBe(413);
    expect(await ask(5, 0)).toMatchObject({ kind: "cosigned" });
  });
});

describe("a fault of the local witness", () => {
  it("makes it late, until the faults are cleared", async () => {
    witness.setFault({ kind: "late", times: 1 });
    const deadline = new AbortController();
    const asked = ask(5, 0, { deadline: deadline.signal });
    await until(async () => expect(witness.stats().held).toBe(1));
    deadline.abort();
    expect(await asked).toEqual({ kind: "late" });
    witness.clearFaults();
    expect(await ask(5, 0)).toMatchObject({ kind: "cosigned" });
  });

  it("makes it fail with a status, as often as it is told", async () => {
    witness.setFault({ kind: "fail", status: 503, times: 1 });
    expect(await ask(5, 0)).toMatchObject({ kind: "refused", status: 503 });
    expect(await ask(5, 0)).toMatchObject({ kind: "cosigned" });
  });

  it("makes it cosign and answer an error: the next request finds its size", async () => {
    witness.setFault({ kind: "cosigned_but_errored", times: 1 });
    expect(await ask(5, 0)).toMatchObject({ kind: "refused", status: 500 });
    expect(await ask(8, 0)).toMatchObject({ kind: "cosigned", size: 8 });
    expect(witness.stats()).toEqual({ requests: 3, held: 0 });
  });

  it("makes it answer a wrong signature, which the client does not take [T91]", async () => {
    witness.setFault({ kind: "wrong_signature", times: 1 });
    expect(await ask(5, 0)).toMatchObject({ kind: "wrong_signature" });
  });

  it("is over when the witness closes: a held request ends", async () => {
    witness.setFault({ kind: "late" });
    const asked = ask(5, 0);
    await until(async () => expect(witness.stats().held).toBe(1));
    await witness.close();
    expect(await asked).toMatchObject({ kind: "unreachable" });
    witness = await start();
  });
});
