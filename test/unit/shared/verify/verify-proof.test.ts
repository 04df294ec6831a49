import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../../support/chain/independent-verifier.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { InvalidLog } from "../../../../shared/tlog/invalid-log.ts";
import { parsePolicy } from "../../../../shared/tlog/policy.ts";
import { ED25519, verifierKey, vkeyText } from "../../../../shared/tlog/vkey.ts";
import { readPolicy, type VerifyPolicy } from "../../../../shared/verify/policy.ts";
import type { Report } from "../../../../shared/verify/report.ts";
import { verifyProof } from "../../../../shared/verify/verify-proof.ts";
import { RUBBISH } from "../../../support/assertions/mutations.ts";
import { DOCUMENT, provedChain, type ProvedChain } from "../../../support/verify/proofs.ts";
import { changed, other, places } from "../../docs/independent-signer.ts";

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../fixtures/proofs/vdc-proof-1.json"), "utf8"),
) as ProvedChain;

function policyOf({ genesisHash, witnesses, issuers, head }: ProvedChain): VerifyPolicy {
  return { genesisHash, witnesses: parsePolicy(witnesses), issuers, head };
}

async function reportOn(proof: unknown, policy: VerifyPolicy = policyOf(golden)): Promise<Report> {
  return (await verifyProof(utf8(JSON.stringify(proof)), policy)).report;
}

const stateOf = ({ steps }: Report, step: string) => steps.find(({ name }) => name === step)?.state;

describe("verifyProof", () => {
  it("verifies the golden proof of this version, step by step", async () => {
    const report = await reportOn(golden.proof);
    expect(report.because).toBeUndefined();
    expect(report.verdict).toBe("verified");
    expect(report.steps.filter(({ state }) => state !== "passed").map(({ name }) => name)).toEqual([
      "document",
      "cid",
    ]);
  });

  it("answers incomplete, and never verified, when no genesis is named", async () => {
    const report = await reportOn(golden.proof, { ...policyOf(golden), genesisHash: undefined });
    expect(report.verdict).toBe("incomplete");
    expect(report.notProved.join()).toContain("vouches for its own genesis");
  });

  it("refuses a proof of another chain than the named one", async () => {
    const report = await reportOn(golden.proof, { genesisHash: "0".repeat(64) });
    expect(report.because).toMatchObject({ step: "genesis", fault: "wrong_genesis" });
  });

  it("proves the document to which the transaction commits, and refuses any other", async () => {
    const report = await reportOn(golden.proof, { ...policyOf(golden), document: DOCUMENT });
    expect([report.verdict, stateOf(report, "document")]).toEqual(["verified", "passed"]);
    const wrong = await reportOn(golden.proof, { ...policyOf(golden), document: utf8("another deed") });
    expect(wrong.because).toMatchObject({ step: "document", fault: "other_document" });
  });

  it("refuses a sound proof of another transaction than the named one", async () => {
    const named = { ...policyOf(golden), txId: `vdc_tx_${"0".repeat(40)}` };
    expect((await reportOn(golden.proof, named)).because?.fault).toBe("other_record");
  });

  it("refuses a fork of the named block", async () => {
    const head = { blockNumber: 4, hash: "0".repeat(64) };
    const report = await reportOn(golden.proof, { ...policyOf(golden), head });
    expect(report.because).toMatchObject({ step: "known_head", fault: "wrong_head" });
  });

  it("answers incomplete when the proof does not show the named block", async () => {
    const head = { blockNumber: 3, hash: "0".repeat(64) };
    expect((await reportOn(golden.proof, { ...policyOf(golden), head })).verdict).toBe("incomplete");
  });

  it("answers incomplete without the time stamp that the policy asks for", async () => {
    const report = await reportOn({ ...golden.proof, timestamps: [] });
    expect([report.verdict, stateOf(report, "timestamps")]).toEqual(["incomplete", "could_not_check"]);
  });

  it("answers incomplete without the witness that the policy asks for", async () => {
    const { logs } = golden.proof;
    const checkpoint = logs.blocks.checkpoint.replace(/\u2014 witness.*\n/, "");
    const report = await reportOn({
      ...golden.proof,
      logs: { ...logs, blocks: { ...logs.blocks, checkpoint } },
    });
    expect([report.verdict, stateOf(report, "witnesses")]).toEqual(["incomplete", "could_not_check"]);
  });

  it("takes the pinned keys of the logs instead of endorsed ones", async () => {
    const pinned = `${golden.vkeys.map((key) => `log ${key}\n`).join("")}quorum none\n`;
    const policy = { genesisHash: golden.genesisHash, witnesses: parsePolicy(pinned) };
    expect((await reportOn({ ...golden.proof, logKeys: [] }, policy)).verdict).toBe("verified");
  });

  it("refuses an endorsed log when the policy pins another one", async () => {
    const key = vkeyText(verifierKey("other.example/log", ED25519, new Uint8Array(32)));
    const policy = { genesisHash: golden.genesisHash, witnesses: parsePolicy(`log ${key}\nquorum none\n`) };
    const report = await reportOn(golden.proof, policy);
    expect(report.because).toMatchObject({ step: "blocks_checkpoint", fault: "wrong_origin" });
  });

  it("answers incomplete and not verified when nobody vouches for the logs' keys", async () => {
    const report = await reportOn({ ...golden.proof, logKeys: [] }, { genesisHash: golden.genesisHash });
    expect(report.verdict).not.toBe("verified");
  });

  it("refuses a proof without the later head that the log has", async () => {
    const report = await reportOn({ ...golden.proof, head: null });
    expect(report.because).toMatchObject({ step: "later_head", fault: "not_in_history" });
  });

  it("refuses a checkpoint that one of the two keys did not sign", async () => {
    const { logs } = golden.proof;
    const [text = "", lines = ""] = logs.blocks.checkpoint.split("\n\n");
    const checkpoint = `${text}\n\n${lines.split("\n").slice(1).join("\n")}`;
    const report = await reportOn({
      ...golden.proof,
      logs: { ...logs, blocks: { ...logs.blocks, checkpoint } },
    });
    expect(report.because).toMatchObject({ step: "blocks_checkpoint", fault: "no_known_signature" });
  });

  describe("with a revoked key", () => {
    let revoked: ProvedChain;
    beforeAll(async () => {
      revoked = await provedChain(1);
    });

    it("refuses a block that the key signed after its theft", async () => {
      const report = await reportOn(revoked.proof, { genesisHash: revoked.genesisHash });
      expect(report.because).toMatchObject({ step: "revocations", fault: "revoked_key" });
    });
  });
});

/** The step that must refuse a change below this place. The longest matching place decides. */
const REFUSED_BY: readonly (readonly [place: string, steps: readonly string[]])[] = [
  ["format", ["proof"]],
  ["chainId", ["proof"]],
  ["genesisHash", ["genesis"]],
  ["transaction", ["transaction", "user_signature", "merkle_path"]],
  ["index", ["merkle_path"]],
  ["merklePath", ["merkle_path"]],
  ["block.header", ["merkle_path", "block_signature", "transaction", "user_signature"]],
  ["block.blockSignature", ["block_signature"]],
  ["head", ["later_head"]],
  ["logs.blocks.checkpoint", ["blocks_checkpoint"]],
  ["logs.blocks.path", ["block_in_log"]],
  ["logs.transactions", ["transaction_in_log"]],
  ["logs.transactions.checkpoint", ["transactions_checkpoint"]],
  ["logKeys", ["log_keys", "blocks_checkpoint"]],
  ["keys", ["key_chain"]],
  ["keys.0.header", ["genesis"]],
  ["timestamps", ["timestamps"]],
];

/** The shape fixes these members, and the proof's own chain id. */
const OF_SHAPE = /\.(?:version|chainId|algorithm)$|^keys\.0\.header\.previousCid$/;

/** The steps that may refuse a change at this place. */
function refusedBy(name: string): readonly string[] {
  if (OF_SHAPE.test(name) && !name.startsWith("logKeys")) return ["proof"];
  const found = REFUSED_BY.toReversed().find(([place]) => name === place || name.startsWith(`${place}.`));
  return found?.[1] ?? [];
}

describe("a changed proof", () => {
  const whole = golden.proof as unknown as Json;
  const leaves = [...places(whole)].filter((place) => {
    const value = place.reduce<unknown>((holder, name) => (holder as Record<string, unknown>)[name], whole);
    return value === null || typeof value !== "object";
  });

  it("has every field of a proof under test", () => {
    expect(leaves.length).toBeGreaterThan(90);
  });

  it.each(
    leaves
      .filter((place) => place.join(".") !== "block.cid")
      .map((place) => [place.join("."), place] as const),
  )("is refused at the right step when %s is changed", async (name, place) => {
    const report = await reportOn(changed(whole, [...place], other));
    if (name === "timestamps.0.authority") expect(stateOf(report, "timestamps")).toBe("could_not_check");
    else expect(refusedBy(name)).toContain(report.because?.step);
    expect(report.verdict).not.toBe("verified");
  });

  it("is not refused for another CID, which is never called proved", async () => {
    const { block } = golden.proof;
    const report = await reportOn({
      ...golden.proof,
      block: { ...block, cid: `${block.cid.slice(0, -1)}2` },
    });
    expect(stateOf(report, "cid")).toBe("not_checked");
    expect(report.notProved.join()).toContain("CID is the operator's word");
  });

  it("is refused at the shape when a field is missing", async () => {
    for (const place of leaves.filter((one) => typeof one.at(-1) === "string")) {
      const report = await reportOn(changed(whole, [...place], () => undefined));
      expect([place.join("."), report.because?.step]).toEqual([place.join("."), "proof"]);
    }
  });
});

describe("any bytes", () => {
  it("give a report as a proof, and never an exception", async () => {
    await fc.assert(
      fc.asyncProperty(RUBBISH, async (bytes) => {
        expect((await verifyProof(bytes, policyOf(golden))).report.because?.step).toBe("proof");
      }),
    );
  });

  it("give a policy or a named fault as a policy", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          try {
            readPolicy(text);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidLog);
          }
        },
      ),
    );
  });
});
