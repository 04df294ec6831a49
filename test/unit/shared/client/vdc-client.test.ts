import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TxId } from "../../../../shared/chain/transaction.ts";
import { VdcClient } from "../../../../shared/client/vdc-client.ts";
import { calls, deployment } from "../../cli/in-process.ts";
import type { ProvedChain } from "../../../support/verify/proofs.ts";

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../fixtures/proofs/vdc-proof-1.json"), "utf8"),
) as ProvedChain;

describe("the client", () => {
  it("asks once which chain it is, and again after it could not be told", async () => {
    const stack = await deployment({
      "GET /.well-known/vdc.json": [
        { status: 500, problem: "internal-error" },
        { body: { chainId: "vdc-of-a-test" } },
        { body: { chainId: "vdc-other" } },
      ],
    });
    const vdc = new VdcClient(`${stack.url}/`);
    await expect(vdc.chainId()).rejects.toMatchObject({ slug: "internal-error" });
    expect(await Promise.all([vdc.chainId(), vdc.chainId()])).toEqual(["vdc-of-a-test", "vdc-of-a-test"]);
    expect(await vdc.chainId()).toBe("vdc-of-a-test");
    expect(calls(stack)).toHaveLength(2);
  });

  it("says of a transaction that is not mined yet that there is nothing to verify", async () => {
    const txId = `vdc_tx_${"1".repeat(40)}`;
    const stack = await deployment({
      [`GET /api/vdc/transactions/${txId}`]: {
        body: { txId, state: "pending", timestamp: 1, admittedAt: 2 },
      },
    });
    await expect(new VdcClient(stack.url).verifyMined(txId)).rejects.toMatchObject({ fault: "not_mined" });
  });

  it("fetches a proof and verifies it against its own genesis, and refuses that of another transaction", async () => {
    const { proof, genesisHash } = golden;
    const { id } = JSON.parse(Buffer.from(proof.transaction, "base64url").toString()) as { id: TxId };
    const other: TxId = `vdc_tx_${"1".repeat(40)}`;
    const stack = await deployment({
      [`GET /api/vdc/transactions/${id}/proof`]: { body: proof },
      [`GET /api/vdc/transactions/${other}/proof`]: { body: proof },
    });
    const vdc = new VdcClient(stack.url, { genesisHash });
    const fetched = await vdc.proof(id);
    expect([fetched.report.verdict, JSON.parse(Buffer.from(fetched.bytes).toString())]).toEqual([
      "verified",
      proof,
    ]);
    expect((await new VdcClient(stack.url).proof(id)).report.verdict).toBe("incomplete");
    expect((await vdc.proof(other)).report.because?.fault).toBe("other_record");
  });
});
