import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64url, fromHex } from "../../../../shared/crypto/bytes.ts";
import { parsePolicy } from "../../../../shared/tlog/policy.ts";
import { tlogProofText } from "../../../../shared/tlog/tlog-proof.ts";
import { verifyTlogProof } from "../../../../shared/verify/verify-tlog-proof.ts";
import type { ProvedChain } from "../../../support/verify/proofs.ts";

const { proof, vkeys, witnesses } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../fixtures/proofs/vdc-proof-1.json"), "utf8"),
) as ProvedChain;
const { index, path, checkpoint } = proof.logs.transactions;
const text = tlogProofText({ index, path: path.map(fromHex), checkpoint });
const entry = fromBase64url(proof.transaction);
const logs = vkeys.map((key) => `log ${key}\n`).join("");
const policy = parsePolicy(`${logs}${witnesses}`);

async function fault(...given: Parameters<typeof verifyTlogProof>): Promise<string | undefined> {
  return (await verifyTlogProof(...given)).because?.fault;
}

describe("verifyTlogProof", () => {
  it("verifies the golden record with the pinned keys and the witness", async () => {
    expect((await verifyTlogProof(text, entry, policy)).verdict).toBe("verified");
  });

  it("refuses another record, another place and a log whose key is not pinned", async () => {
    expect(await fault(text, entry.slice(1), policy)).toBe("not_included");
    expect(await fault(text.replace(`index ${index}`, `index ${index + 1}`), entry, policy)).toBe(
      "not_included",
    );
    expect(await fault(text, entry, parsePolicy("quorum none\n"))).toBe("wrong_origin");
  });

  it("answers incomplete without the cosignature that the policy asks for", async () => {
    const report = await verifyTlogProof(text.replace(/\u2014 witness.*\n/, ""), entry, policy);
    expect(report.verdict).toBe("incomplete");
  });

  it("never calls a changed character verified, and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: text.length - 1 }),
        fc.constantFrom("A", "0", "\n", "é"),
        async (at, letter) => {
          fc.pre(text[at] !== letter);
          const changed = text.slice(0, at) + letter + text.slice(at + 1);
          expect((await verifyTlogProof(changed, entry, policy)).verdict).not.toBe("verified");
        },
      ),
    );
  });
});
