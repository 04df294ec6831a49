import { describe, expect, it } from "vitest";
import { VdcClient } from "../../../../shared/client/vdc-client.ts";
import { calls, deployment } from "../../cli/in-process.ts";

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
});
