import { request } from "node:http";
import { expect } from "vitest";

const PIECE = Buffer.alloc(64 * 1024, "x");
/** After so many bytes a client looks whether it is answered already: who is, and goes on sending, may lose the answer. */
const LOOK_AFTER = 2 * 1024 * 1024;
const LOOK = 500; // milliseconds

interface Upload {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `content-length`; undefined: sent in chunks, so that nobody knows before the end. */
  readonly announced?: number;
  readonly length: number;
}

/** Sends all of it, or until it is answered. */
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

/** Answers to a body of one byte more than it may have: announced as such, and sent in chunks. */
export async function* oneByteTooMany(
  url: string,
  { method, headers, maxBytes }: Pick<Upload, "method" | "headers"> & { readonly maxBytes: number },
): AsyncGenerator<Response> {
  expect(maxBytes).toBeGreaterThan(0);
  const length = maxBytes + 1;
  yield await upload(url, { method, headers, announced: length, length });
  yield await upload(url, { method, headers, length });
}
