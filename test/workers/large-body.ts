import { request } from "node:http";
import { expect } from "vitest";

const PIECE = Buffer.alloc(64 * 1024, "x");
/** The client pauses after this many bytes for an early answer. A client that goes on sending may lose the answer. */
const LOOK_AFTER = 2 * 1024 * 1024;
const LOOK = 500; // milliseconds

interface Upload {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The `content-length`. If undefined, the body is sent in chunks, and the server learns its length only at the end.
   */
  readonly announced?: number;
  readonly length: number;
}

/** Sends the body until its end or until the answer arrives. */
async function upload(url: string, { method, headers, announced, length }: Upload): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: { ...headers, ...(announced !== undefined && { "content-length": announced }) },
      agent: false,
    });
    const state = { answered: false, looked: announced === undefined };
    outgoing.on("response", (incoming) => {
      state.answered = true;
      const pieces: Buffer[] = [];
      incoming.on("data", (piece: Buffer) => pieces.push(piece));
      incoming.on("error", reject);
      incoming.on("end", () => {
        outgoing.destroy();
        const { statusCode = 0, headers: got } = incoming;
        resolve(
          new Response(Buffer.concat(pieces), { status: statusCode, headers: got as Record<string, string> }),
        );
      });
    });
    outgoing.on("error", (error) => state.answered || reject(error));
    let left = length;
    const send = (): void => {
      while (!state.answered && left > 0) {
        if (!state.looked && length - left >= LOOK_AFTER) {
          state.looked = true;
          setTimeout(send, LOOK);
          return;
        }
        const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
        left -= piece.length;
        if (!outgoing.write(piece)) {
          outgoing.once("drain", send);
          return;
        }
      }
      if (!state.answered && announced === undefined) outgoing.end();
    };
    send();
  });
}

/** Yields the answers to a body that is one byte too long: once with its content-length, once in chunks. */
export async function* oneByteTooMany(
  url: string,
  { method, headers, maxBytes }: Pick<Upload, "method" | "headers"> & { readonly maxBytes: number },
): AsyncGenerator<Response> {
  expect(maxBytes).toBeGreaterThan(0);
  const length = maxBytes + 1;
  yield await upload(url, { method, headers, announced: length, length });
  yield await upload(url, { method, headers, length });
}
