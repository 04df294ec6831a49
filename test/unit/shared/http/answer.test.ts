import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { answer } from "../../../../shared/http/answer.ts";
import { Problem } from "../../../../shared/http/problems.ts";
import { logger } from "../../../../shared/runtime/log.ts";

beforeEach(() => void vi.spyOn(console, "log").mockReturnValue());
afterEach(() => vi.restoreAllMocks());

/** Makes a request with a body of this many pieces of 64 kB. `sent` returns the number of pieces that were read. */
function upload(pieces: number): { request: Request; sent: () => number } {
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sent++ < pieces) controller.enqueue(new Uint8Array(65_536));
      else controller.close();
    },
  });
  const init = { method: "POST", body, duplex: "half" } as RequestInit;
  return { request: new Request("http://localhost/", init), sent: () => sent };
}

const refuse = async () => {
  throw new Problem("unauthorized", "no");
};

it("hears a client out that it refuses before it has read anything, so that the client hears the answer", async () => {
  const { request, sent } = upload(8);
  expect((await answer(request, logger("gateway"), refuse)).status).toBe(401);
  expect(sent()).toBeGreaterThanOrEqual(8);
});

it("does not hear out who never ends", async () => {
  const { request, sent } = upload(10_000);
  expect((await answer(request, logger("gateway"), refuse)).status).toBe(401);
  expect(sent()).toBeLessThan(40);
});

it("leaves a body alone that was read", async () => {
  const { request } = upload(2);
  const read = async () => new Response(String((await request.arrayBuffer()).byteLength));
  expect(await (await answer(request, logger("gateway"), read)).text()).toBe("131072");
});
