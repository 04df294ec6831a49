import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { base64, hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import { openCheckpoint } from "../../../../shared/tlog/open-checkpoint.ts";
import { parseVkey, vkeyText } from "../../../../shared/tlog/vkey.ts";
import { addCheckpointText, MAX_REQUEST_BYTES } from "../../../../shared/witness/add-checkpoint.ts";
import { decide, NO_TREE, type Tree } from "../../../../shared/witness/decide.ts";
import { serveWitness } from "../../../../shared/witness/serve.ts";
import { addCheckpoint } from "../../../../shared/witness/witness.ts";
import { memoryWitness, WITNESS_NAME, WITNESS_TIME } from "../../../support/chain/memory-witness.ts";
import { witnessedLog, type WitnessedLog } from "../../../support/chain/witnessed-log.ts";

let log: WitnessedLog;
let witness: Awaited<ReturnType<typeof memoryWitness>>;

beforeAll(async () => {
  log = await witnessedLog("log.example/chain", 3);
});
beforeEach(async () => {
  witness = await memoryWitness(log.vkeys);
});

const add = (oldSize: number, note: string, proof: readonly Uint8Array[] = []) =>
  addCheckpoint(witness, addCheckpointText({ oldSize, proof, note }));
const state = () => witness.sql.look<object>("SELECT * FROM log");

/** The witness has cosigned the first eight entries. */
async function cosignedEight() {
  expect(await add(0, await log.note(8))).toMatchObject({ status: 200 });
  return state();
}

const tree = (size: number, byte: number): Tree => ({ size, root: new Uint8Array(32).fill(byte) });
const signed = (oldSize: number, of: Tree, proof: Uint8Array[] = []) => ({ ...of, oldSize, proof });

describe("decide", () => {
  const five = tree(5, 1);

  it.for([
    ["the first tree, without a proof", NO_TREE, signed(0, five), "advanced"],
    ["an empty log, first", NO_TREE, signed(0, NO_TREE), "advanced"],
    ["the first tree, with a proof from nothing", NO_TREE, signed(0, five, [five.root]), "bad_proof"],
    ["the same tree again", five, signed(5, five), "advanced"],
    ["the same tree with a proof", five, signed(5, five, [five.root]), "bad_proof"],
    ["the same size with another root", five, signed(5, tree(5, 2)), "other_root"],
    ["a larger tree without a proof", five, signed(5, tree(6, 2)), "bad_proof"],
    ["a smaller tree than the old size", five, signed(5, tree(4, 2)), "old_size_too_large"],
    ["a smaller old size", five, signed(4, tree(6, 2)), "other_old_size"],
    ["a larger old size", five, signed(6, tree(7, 2)), "other_old_size"],
    ["an old size of 0 for a known log", five, signed(0, five), "other_old_size"],
  ] as const)("answers %s", ([, cosigned, claim, kind]) => {
    expect(decide(cosigned, claim).kind).toBe(kind);
  });
});

describe("a witness answers", () => {
  it("200 with its two cosignatures, which verify, and keeps the cosigned note", async () => {
    const note = await log.note(8);
    const answer = await add(0, note);
    expect(answer.status).toBe(200);
    const keys = witness.cosigners.map(({ key }) => key);
    const opened = await openCheckpoint(note + answer.body, log.vkeys.map(parseVkey), keys);
    expect(opened.signatures.slice(2)).toEqual(keys.map((key) => ({ key, timestamp: WITNESS_TIME })));
    expect(await witness.state.lastNote(log.origin)).toBe(note + answer.body);
  });

  it("200 when the log grew, and when the same checkpoint comes again", async () => {
    await cosignedEight();
    expect((await add(8, await log.note(11), log.proof(8, 11))).status).toBe(200);
    expect((await add(11, await log.note(11))).status).toBe(200);
    expect(state()).toMatchObject([{ origin: log.origin, size: 11 }]);
  });

  it("400 to a rollback: a signed checkpoint below the old size", async () => {
    const before = await cosignedEight();
    expect((await add(8, await log.note(5))).status).toBe(400);
    expect(state()).toEqual(before);
  });

  it("400 to a body that is no request, and to a note that is no checkpoint", async () => {
    for (const body of [
      "",
      "old 0\n",
      "old 00\n\n",
      `old 0\n${"A".repeat(43)}\n\n`,
      "old -1\n\nx\n\n\u2014 x AAAAAAA=\n",
    ])
      expect((await addCheckpoint(witness, body)).status, body).toBe(400);
    const note = (await log.note(8)).replace("\n8\n", "\n08\n");
    expect((await add(0, note)).status).toBe(400);
    expect(state()).toEqual([]);
  });

  it("403 when no key of the log signed, and when a key's signature is wrong", async () => {
    const stranger = await witnessedLog(log.origin);
    expect((await add(0, await stranger.note(8))).status).toBe(403);
    const note = await log.note(8);
    expect((await add(0, note.replace("\n8\n", "\n9\n"))).status).toBe(403);
    expect(state()).toEqual([]);
  });

  it("404 when it does not follow the log", async () => {
    const other = await witnessedLog("log.example/other");
    expect((await add(0, await other.note(8))).status).toBe(404);
  });

  it("409 with its size when the client's old size is another", async () => {
    const before = await cosignedEight();
    for (const oldSize of [0, 3, 9])
      expect(await add(oldSize, await log.note(11))).toEqual({
        status: 409,
        type: "text/x.tlog.size",
        body: "8\n",
      });
    expect(state()).toEqual(before);
  });

  it("422 to two histories: another root for the size that it cosigned, with the state unchanged [T92]", async () => {
    const before = await cosignedEight();
    expect((await add(8, await log.note(8, "'"))).status).toBe(422);
    expect((await add(8, await log.note(11, "'"), log.proof(8, 11, "'"))).status).toBe(422);
    expect(state()).toEqual(before);
    expect((await add(8, await log.note(11), log.proof(8, 11))).status).toBe(200);
  });

  it("422 to a proof of which a hash is changed, left out, added or moved", async () => {
    const before = await cosignedEight();
    const note = await log.note(13);
    const proof = log.proof(8, 13);
    const [first = new Uint8Array(32), ...rest] = proof;
    const changed = Uint8Array.from(first, (byte, i) => (i === 31 ? byte ^ 1 : byte));
    const wrong = [[changed, ...rest], rest, [...proof, first], [...proof.toReversed(), first], []];
    for (const hashes of wrong) expect((await add(8, note, hashes)).status).toBe(422);
    expect(state()).toEqual(before);
    expect((await add(8, note, proof)).status).toBe(200);
  });

  it("422 to an empty log with a root", async () => {
    const root = base64(new Uint8Array(32));
    const note = (await log.note(8)).replace(/\n8\n.+\n/, `\n0\n${root}\n`);
    expect((await add(0, note)).status).toBe(422);
  });

  it("a refusal when any character of old size, proof or checkpoint is another", async () => {
    await cosignedEight();
    const text = addCheckpointText({ oldSize: 8, proof: log.proof(8, 13), note: await log.note(13) });
    const head = text.slice(0, text.indexOf("\n\u2014")); // old size, proof, and the signed text
    for (let i = 0; i < head.length; i++) {
      const other = head[i] === "1" ? "2" : "1";
      const answer = await addCheckpoint(witness, text.slice(0, i) + other + text.slice(i + 1));
      expect([400, 403, 404, 409, 422], `character ${i}`).toContain(answer.status);
    }
    expect(state()).toMatchObject([{ size: 8 }]);
    expect((await addCheckpoint(witness, text)).status).toBe(200);
  });

  it("for each of several keys of one origin, and for each log alone", async () => {
    const next = await witnessedLog(log.origin, 3);
    const other = await witnessedLog("log.example/other");
    witness = await memoryWitness([...log.vkeys, ...next.vkeys, ...other.vkeys]);
    expect((await add(0, await log.note(2))).status).toBe(200);
    expect((await add(2, await next.note(3), next.proof(2, 3))).status).toBe(200);
    expect((await add(0, await other.note(4))).status).toBe(200);
    expect(state()).toMatchObject([{ size: 3 }, { size: 4 }]);
  });
});

describe("the state of a witness", () => {
  it("never goes back and never forgets, even by a mistake of ours", async () => {
    await cosignedEight();
    for (const statement of [
      "UPDATE log SET size = 7",
      "UPDATE log SET root = 'other'",
      "DELETE FROM log WHERE origin = 'log.example/chain'",
    ])
      expect(() => witness.sql.look(statement), statement).toThrow(/never/);
  });

  it("keeps no note of an older tree", async () => {
    await cosignedEight();
    await witness.state.keepNote(log.origin, 7, "older");
    expect(await witness.state.lastNote(log.origin)).toContain("\n8\n");
  });
});

const at = (path: string, init?: RequestInit) =>
  serveWitness(witness, new Request(`https://witness.example${path}`, init));

describe("over HTTP, a witness", () => {
  it("shows the last cosigned note under the hash of the origin", async () => {
    const path = `/${sha256Hex(utf8(log.origin))}/checkpoint`;
    expect((await at(path)).status).toBe(404);
    await cosignedEight();
    const shown = await at(path);
    expect(shown.status).toBe(200);
    expect(shown.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await shown.text()).toBe(await witness.state.lastNote(log.origin));
    expect((await at(`/${hex(new Uint8Array(32))}/checkpoint`)).status).toBe(404);
  });

  it("says what it is, with its keys and its logs", async () => {
    const text = await (await at("/")).text();
    for (const expected of [WITNESS_NAME, log.origin, ...witness.cosigners.map(({ key }) => vkeyText(key))])
      expect(text).toContain(expected);
  });

  it("refuses other methods, other paths, and a body that is too large or no text", async () => {
    expect((await at("/add-checkpoint")).status).toBe(405);
    expect((await at("/", { method: "DELETE" })).status).toBe(405);
    expect((await at("/keyring")).status).toBe(404);
    const body = "x".repeat(MAX_REQUEST_BYTES + 1);
    expect((await at("/add-checkpoint", { method: "POST", body })).status).toBe(413);
    const bytes = Uint8Array.of(0xff, 0xfe);
    expect((await at("/add-checkpoint", { method: "POST", body: bytes })).status).toBe(400);
  });
});
