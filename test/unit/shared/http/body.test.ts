import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBytes, readText } from "../../../../shared/http/body.ts";

/** Makes a body that sends these pieces on demand. `taken` counts the bytes that were read. */
function sent(pieces: readonly number[], contentLength?: string) {
  const state = { taken: 0 };
  const rest = [...pieces];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = rest.shift();
        if (size === undefined) return controller.close();
        state.taken += size;
        controller.enqueue(new Uint8Array(size).fill(0x61));
      },
    },
    { highWaterMark: 0 },
  );
  const headers = contentLength === undefined ? {} : { "content-length": contentLength };
  const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
  return { request: new Request("http://localhost/", init), state };
}

const Pieces = fc.array(fc.nat(5_000), { maxLength: 30 });
const Announced = fc.option(
  fc.oneof(fc.nat(200_000).map(String), fc.constantFrom("", "-1", "x", "1e9", "0x10")),
  {
    nil: undefined,
  },
);

describe("a body", () => {
  it("is read whole when it is within the limit, and else refused, whatever its length is said to be [T4 T8]", async () => {
    await fc.assert(
      fc.asyncProperty(Pieces, fc.nat(50_000), Announced, async (pieces, limit, announced) => {
        const length = pieces.reduce((sum, piece) => sum + piece, 0);
        const { request, state } = sent(pieces, announced);
        const read = await readBytes(request, limit).catch((error: unknown) => error);
        if (length > limit || Number(announced ?? 0) > limit)
          expect(read).toMatchObject({ slug: "body-too-large", members: { maxBytes: limit } });
        else expect(read).toEqual(new Uint8Array(length).fill(0x61));
        expect(state.taken).toBeLessThanOrEqual(limit + 5_000); // 5,000 bytes for the piece that exceeds the limit
      }),
    );
  });

  it("is not touched when it announces too much", async () => {
    const { request, state } = sent([10, 10], "101");
    await expect(readText(request, 100)).rejects.toMatchObject({ slug: "body-too-large" });
    expect(state.taken).toBe(0);
  });

  it("is cut off at the limit when it does not end", async () => {
    const { request, state } = sent(Array.from({ length: 100_000 }, () => 5_000));
    await expect(readText(request, 12_000)).rejects.toMatchObject({ slug: "body-too-large" });
    expect(state.taken).toBe(15_000);
  });
});
