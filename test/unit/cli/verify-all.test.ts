import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/failure.ts";
import { calls, deployment, vdc } from "./in-process.ts";
import { RUN, RUN_PATH } from "./run.ts";
import type { Answered } from "./server.ts";

describe("vdc storage verify-all", () => {
  const started: Answered = { status: 202, body: RUN };

  it("follows a run until it is done", async () => {
    const stack = await deployment({
      "POST /api/storage-verify/verify-all": started,
      [`GET ${RUN_PATH}`]: [
        { body: { ...RUN, next: 1_000 } },
        { body: { ...RUN, state: "done", next: 2_000, verified: 2_000, finishedAt: 2 } },
      ],
    });
    const { code, stdout, stderr } = await vdc(stack, "storage", "verify-all", "--json");
    expect({ code, document: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      document: { state: "done", verified: 2_000 },
    });
    expect(stderr).toContain("verifying: 2,000 of 2,000 blocks");
    expect(calls(stack)[0]).toBe("POST /api/storage-verify/verify-all?repair=true");
  });

  it("fails when the run was aborted meanwhile", async () => {
    const stack = await deployment({
      "POST /api/storage-verify/verify-all": started,
      [`GET ${RUN_PATH}`]: { body: { ...RUN, state: "aborted", next: 700 } },
    });
    const { code, stderr } = await vdc(stack, "storage", "verify-all", "--no-repair");
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain("was aborted before block 700");
    expect(calls(stack)[0]).toContain("?repair=false");
  });

  it("only starts it when it is not to wait", async () => {
    const stack = await deployment({ "POST /api/storage-verify/verify-all": started });
    expect((await vdc(stack, "storage", "verify-all", "--no-wait")).code).toBe(0);
    expect(stack.asked).toHaveLength(1);
  });

  it("is refused while another runs", async () => {
    const busy = { status: 409, problem: "run-active", detail: "A run is under way." };
    const stack = await deployment({ "POST /api/storage-verify/verify-all": busy });
    expect(await vdc(stack, "storage", "verify-all")).toMatchObject({ code: EXIT.refused, stdout: "" });
  });
});
