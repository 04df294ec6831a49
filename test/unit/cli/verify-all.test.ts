import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
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
    expect(stderr).toContain(`vdc storage resume ${RUN.id}`);
    expect(calls(stack)[0]).toContain("?repair=false");
  });

  it("starts the run and does not follow it when it is not to wait", async () => {
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

describe("vdc storage resume", () => {
  const resumed: Answered = { status: 202, body: { ...RUN, next: 700 } };

  it("lets a run go on, and follows it to its end", async () => {
    const stack = await deployment({
      [`POST ${RUN_PATH}/resume`]: resumed,
      [`GET ${RUN_PATH}`]: { body: { ...RUN, state: "done", next: 2_000, verified: 2_000, finishedAt: 2 } },
    });
    const { code, stdout } = await vdc(stack, "storage", "resume", RUN.id, "--json");
    expect({ code, document: JSON.parse(stdout) }).toMatchObject({ code: 0, document: { state: "done" } });
  });

  it("asks for it and does not follow it when it is not to wait", async () => {
    const stack = await deployment({ [`POST ${RUN_PATH}/resume`]: resumed });
    expect((await vdc(stack, "storage", "resume", RUN.id, "--no-wait")).code).toBe(0);
    expect(calls(stack)).toEqual([`POST ${RUN_PATH}/resume`]);
  });

  it("tells what the run found, as if it had not been interrupted", async () => {
    const found = { ...RUN, state: "done", next: 2_000, failed: 1, finishedAt: 2 };
    const stack = await deployment({
      [`POST ${RUN_PATH}/resume`]: resumed,
      [`GET ${RUN_PATH}`]: { body: found },
    });
    expect((await vdc(stack, "storage", "resume", RUN.id)).code).toBe(EXIT.unverified);
  });

  it("is refused for a run that is done", async () => {
    const stack = await deployment({
      [`POST ${RUN_PATH}/resume`]: { status: 409, problem: "not-needed", detail: "Run is done." },
    });
    expect((await vdc(stack, "storage", "resume", RUN.id)).code).toBe(EXIT.refused);
  });
});
