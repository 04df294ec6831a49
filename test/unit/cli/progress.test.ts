import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { startProgress } from "../../../cli/output/progress.ts";

/** Makes a stream that is a terminal or not, and records its text. */
function stream(isTTY: boolean): { readonly written: () => string; readonly stream: NodeJS.WriteStream } {
  let text = "";
  const writable = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString();
      done();
    },
  });
  const properties = { isTTY, columns: 100, cursorTo: () => true, clearLine: () => true };
  return {
    written: () => text,
    stream: Object.assign(writable, properties) as unknown as NodeJS.WriteStream,
  };
}

describe("progress", () => {
  it("is a line now and then where there is no terminal, and one at the end", () => {
    const { written, stream: lines } = stream(false);
    let clock = 0;
    const progress = startProgress({
      doing: "verifying",
      total: 3_000,
      of: "blocks",
      stream: lines,
      now: () => clock,
    });
    for (let done = 1; done <= 3_000; done++) {
      clock += 4; // milliseconds a block
      progress.to(done);
    }
    progress.end();
    expect(written()).toBe(
      ["1,250", "2,500", "3,000"].map((done) => `verifying: ${done} of 3,000 blocks\n`).join(""),
    );
  });

  it("says nothing of work that had nothing to do", () => {
    const { written, stream: lines } = stream(false);
    startProgress({ doing: "verifying", total: 0, of: "blocks", stream: lines }).end();
    expect(written()).toBe("");
  });

  it("is a bar on a terminal", () => {
    const { written, stream: terminal } = stream(true);
    const progress = startProgress({ doing: "verifying", total: 10, of: "blocks", stream: terminal });
    progress.to(10);
    progress.end();
    expect(written()).toMatch(/verifying \[█{30}\] 10\/10 blocks/);
  });
});
