import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../../shared/tlog/open-checkpoint.ts";
import { signatureLine } from "../../../../shared/tlog/note.ts";
import { parsePolicy } from "../../../../shared/tlog/policy.ts";
import { parseVkey, vkeyText } from "../../../../shared/tlog/vkey.ts";
import { MAX_ANSWER_BYTES } from "../../../../shared/witness/add-checkpoint.ts";
import {
  cosign,
  witnessSites,
  type CosignOptions,
  type WitnessSite,
} from "../../../../shared/witness/client.ts";
import { serveWitness } from "../../../../shared/witness/serve.ts";
import { memoryWitness } from "../../../support/chain/memory-witness.ts";
import { witnessedLog, type WitnessedLog } from "../../../support/chain/witnessed-log.ts";

let log: WitnessedLog;
let witness: Awaited<ReturnType<typeof memoryWitness>>;
let site: WitnessSite;
let bodies: string[];

beforeAll(async () => {
  log = await witnessedLog();
});
beforeEach(async () => {
  witness = await memoryWitness(log.vkeys);
  site = { url: "https://witness.example/prefix/", keys: witness.cosigners.map(({ key }) => key) };
  bodies = [];
});

/** Calls the witness directly, and notes what it was sent. */
const direct: CosignOptions["fetch"] = async (url, init) => {
  expect(url).toBe("https://witness.example/prefix/add-checkpoint");
  const request = new Request("https://witness.example/add-checkpoint", init);
  bodies.push(await request.clone().text());
  return serveWitness(witness, request);
};
const answering =
  (...answers: (Response | Error)[]): CosignOptions["fetch"] =>
  async () => {
    const answer = answers.shift();
    if (!(answer instanceof Response)) throw answer ?? new Error("one request too many");
    return answer;
  };

async function ask(size: number, oldSize: number, fetch = direct, history = "", note?: string) {
  return cosign(site, note ?? (await log.note(size, history)), {
    oldSize,
    proofFrom: async (from) => log.proof(from, size, history),
    fetch,
    timeout: () => new AbortController().signal,
  });
}

const conflict = () => new Response("3\n", { status: 409, headers: { "content-type": "text/x.tlog.size" } });
const noTile = () => Promise.reject(new Error("a tile is missing"));

describe("the client of a witness", () => {
  it("returns both verified cosignatures of one request, which open with the note", async () => {
    const note = await log.note(5);
    const answer = await ask(5, 0, direct, "", note);
    if (answer.kind !== "cosigned") throw new Error(JSON.stringify(answer));
    expect(bodies).toHaveLength(1);
    expect(answer.size).toBe(5);
    const cosigned = note + answer.lines.map(signatureLine).join("");
    const opened = await openCheckpoint(cosigned, log.vkeys.map(parseVkey), site.keys);
    expect(opened.signatures).toHaveLength(4);
  });

  it("asks once more from the witness's size after a 409", async () => {
    await ask(5, 0);
    bodies = [];
    expect(await ask(9, 2)).toMatchObject({ kind: "cosigned", size: 9 });
    expect(bodies.map((body) => body.split("\n")[0])).toEqual(["old 2", "old 5"]);
  });

  it("asks from nothing when the witness lost its state", async () => {
    expect(await ask(9, 7)).toMatchObject({ kind: "cosigned" });
    expect(bodies.map((body) => body.split("\n")[0])).toEqual(["old 7", "old 0"]);
  });

  it("asks no third time", async () => {
    expect(await ask(9, 2, answering(conflict(), conflict()))).toMatchObject({
      kind: "refused",
      status: 409,
    });
  });

  it("says that the witness is ahead when it has cosigned a larger tree", async () => {
    await ask(9, 0);
    expect(await ask(5, 0)).toEqual({ kind: "ahead", size: 9 });
  });

  it("has a fork refused with 422 [T92]", async () => {
    await ask(5, 0);
    expect(await ask(5, 5, direct, "'")).toMatchObject({ kind: "refused", status: 422 });
    expect(await ask(8, 5, direct, "'")).toMatchObject({ kind: "refused", status: 422 });
  });

  it("takes no cosignature that does not verify, and none of another key [T91]", async () => {
    const other = await memoryWitness(log.vkeys);
    const sites = [{ ...site, keys: other.cosigners.map(({ key }) => key) }, site];
    const note = await log.note(5);
    const options = { oldSize: 0, proofFrom: async () => [], fetch: direct };
    expect(await cosign(sites[0] ?? site, note, options)).toMatchObject({ kind: "wrong_signature" });
    const ofAnother = await direct("https://witness.example/prefix/add-checkpoint", {
      method: "POST",
      body: `old 5\n\n${note}`,
    });
    expect(await ask(6, 0, answering(ofAnother))).toMatchObject({ kind: "wrong_signature" });
    for (const body of ["", "\n", "<html>", "\u2014 witness.example/one\n"])
      expect(await ask(5, 0, answering(new Response(body)))).toMatchObject({ kind: "wrong_signature" });
  });

  it("reports a refusal with its status, and follows no redirect", async () => {
    expect(await ask(5, 0, answering(new Response("no\n", { status: 403 })))).toEqual({
      kind: "refused",
      status: 403,
      detail: "no",
    });
    const headers = { location: "https://elsewhere.example" };
    expect(await ask(5, 0, answering(new Response(null, { status: 307, headers })))).toMatchObject({
      status: 307,
    });
  });

  it("reads a bounded part of an answer", async () => {
    const body = "x".repeat(MAX_ANSWER_BYTES + 1);
    expect(await ask(5, 0, answering(new Response(body)))).toMatchObject({ kind: "refused", status: 200 });
  });

  it("reports an unreachable witness", async () => {
    expect(await ask(5, 0, answering(new Error("connection refused")))).toEqual({
      kind: "unreachable",
      detail: "connection refused",
    });
  });

  it("ends at the deadline, also while it waits for a proof [T91]", async () => {
    const note = await log.note(5);
    const never = new Promise<never>(() => {});
    for (const waits of ["fetch", "proof"]) {
      const deadline = new AbortController();
      const wait = () => {
        deadline.abort();
        return never;
      };
      const answer = await cosign(site, note, {
        oldSize: 2,
        proofFrom: waits === "proof" ? wait : async (from) => log.proof(from, 5),
        fetch: waits === "fetch" ? wait : direct,
        deadlineMs: 2_000,
        timeout: (ms) => (ms === 2_000 ? deadline.signal : AbortSignal.abort()),
      });
      expect(answer, waits).toEqual({ kind: "late" });
    }
  });

  it("fails with the caller when a proof can't be made", async () => {
    await ask(5, 0);
    const asked = cosign(site, await log.note(9), { oldSize: 5, proofFrom: noTile, fetch: direct });
    await expect(asked).rejects.toThrow("a tile is missing");
  });

  it("asks each address of a policy once, with every key that stands there", () => {
    const [one, two] = witness.cosigners.map(({ key }) => key);
    if (one === undefined || two === undefined) throw new Error("a witness has two keys");
    const policy = parsePolicy(
      [
        `witness a ${vkeyText(one)} https://w.example/x/`,
        `witness b ${vkeyText(two)} https://w.example/x`,
        `witness offline ${log.vkeys[0]}`,
        "quorum a",
      ].join("\n"),
    );
    expect(witnessSites(policy)).toEqual([{ url: "https://w.example/x", keys: [one, two] }]);
  });
});
