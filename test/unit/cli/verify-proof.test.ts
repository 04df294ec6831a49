import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromHex } from "../../../shared/crypto/bytes.ts";
import { tlogProofText } from "../../../shared/tlog/tlog-proof.ts";
import type { ProvedChain } from "../../support/verify/proofs.ts";
import { DOCUMENT } from "../../support/verify/proofs.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { serve } from "./server.ts";

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/proofs/vdc-proof-1.json"), "utf8"),
) as ProvedChain;
const { genesisHash, proof } = golden;
const json = Buffer.from(proof.transaction, "base64url").toString();
const { id } = JSON.parse(json) as { id: string };

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "vdc-proof-"));
  file = join(dir, "deed.vdc-proof");
  writeFileSync(file, JSON.stringify(proof));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("vdc verify proof", () => {
  it("verifies a file offline, and says what is proved and what is not", async () => {
    const ran = await vdc(["verify", "proof", file, "--genesis", genesisHash, "--offline"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toContain("The operator's log of transactions holds exactly this transaction.");
    expect(ran.stdout).toContain("Not proved:");
    expect(ran.stdout.trimEnd()).toMatch(/Verified: every step that your policy asks for passed\.$/);
  });

  it("exits with 7 without a genesis, and with 6 for another one", async () => {
    expect((await vdc(["verify", "proof", file])).code).toBe(7);
    const ran = await vdc(["verify", "proof", file, "--genesis", "0".repeat(64), "--json"]);
    expect(ran.code).toBe(6);
    expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: "failed", because: { fault: "wrong_genesis" } });
  });

  it("takes witnesses from a C2SP policy, and everything from a JSON policy", async () => {
    const policy = join(dir, "policy");
    const { witnesses, issuers, head } = golden;
    for (const text of [
      witnesses,
      JSON.stringify({ format: "vdc-policy@1", genesisHash, witnesses, issuers, head }),
    ]) {
      writeFileSync(policy, text);
      const ran = await vdc([
        "verify",
        "proof",
        file,
        "--genesis",
        genesisHash,
        "--policy",
        policy,
        "--json",
      ]);
      expect([ran.code, ran.stderr]).toEqual([0, ""]);
      expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: "verified" });
    }
  });

  it("verifies a C2SP tlog-proof with the bytes of its transaction and pinned keys", async () => {
    const [tx, policy] = [join(dir, "tx.json"), join(dir, "policy")];
    const { index, path, checkpoint } = proof.logs.transactions;
    writeFileSync(file, tlogProofText({ index, path: path.map(fromHex), checkpoint }));
    writeFileSync(tx, json);
    writeFileSync(policy, `${golden.vkeys.map((key) => `log ${key}\n`).join("")}${golden.witnesses}`);
    expect((await vdc(["verify", "proof", file, "--tx", tx, "--policy", policy])).code).toBe(0);
    expect((await vdc(["verify", "proof", file, "--tx", policy, "--policy", policy])).code).toBe(6);
    expect((await vdc(["verify", "proof", file])).code).toBe(2);
  });

  it("exits with 2 for a file that is no policy", async () => {
    const policy = join(dir, "policy");
    writeFileSync(policy, "quorum nobody\n");
    expect((await vdc(["verify", "proof", file, "--policy", policy])).code).toBe(2);
  });
});

describe("vdc verify tx and document", () => {
  it("verifies the canonical bytes of a transaction against its proof, and no other bytes", async () => {
    const tx = join(dir, "tx.json");
    const args = ["verify", "tx", tx, "--proof", file, "--offline", "--genesis", genesisHash];
    writeFileSync(tx, json);
    expect((await vdc(args)).code).toBe(0);
    writeFileSync(tx, `${json}\n`);
    expect((await vdc(args)).code).toBe(6);
  });

  it("asks the deployment for the proof of an id", async () => {
    const { url } = await serve(({ path }) =>
      path.endsWith(`${id}/proof`) ? { body: proof } : { status: 404 },
    );
    expect((await vdc(["verify", "tx", id, "--url", url, "--genesis", genesisHash])).code).toBe(0);
    expect((await vdc(["verify", "tx", id, "--offline"])).code).toBe(2);
  });

  it("verifies that the record commits to the document", async () => {
    const document = join(dir, "deed.txt");
    const args = ["verify", "document", document, "--proof", file, "--genesis", genesisHash];
    writeFileSync(document, DOCUMENT);
    expect((await vdc(args)).code).toBe(0);
    writeFileSync(document, "another deed");
    const ran = await vdc(args);
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringContaining("other_document")]);
  });
});

describe("vdc proof", () => {
  it("writes the proof that the deployment answers, and refreshes it", async () => {
    const { url } = await serve(() => ({ body: proof }));
    const out = join(dir, "fetched");
    expect((await vdc(["proof", "get", id, "-o", out, "--url", url])).code).toBe(0);
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual(proof);
    const ran = await vdc(["proof", "refresh", out, "--url", url]);
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining("now shows block 4")]);
  });

  it("writes nothing when the answer is wrong", async () => {
    const { url } = await serve(() => ({ body: { ...proof, index: 0 } }));
    const before = readFileSync(file);
    expect((await vdc(["proof", "refresh", file, "--url", url])).code).toBe(6);
    expect(readFileSync(file)).toEqual(before);
    expect((await vdc(["proof", "get", id, "--url", url])).stdout).toBe("");
  });
});
