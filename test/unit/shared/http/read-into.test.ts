import { describe, expect, it } from "vitest";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { drop, readInto, roomFor } from "../../../../shared/http/read-into.ts";

const PACE = { bytes: 1, milliseconds: 10_000 };
const LIMITS = { room: 10, maxBytes: 10, milliseconds: 10_000, pace: PACE };

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> & { cancelled?: boolean } {
  const stream: ReadableStream<Uint8Array> & { cancelled?: boolean } = new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(utf8(chunk));
    },
    cancel() {
      stream.cancelled = true;
    },
  });
  return stream;
}

/** A body that never arrives, as in workerd: cancelling rejects its pending read, while the standard ends it. */
function idleInWorkerd(): ReadableStream<Uint8Array> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = async () => reject(new Error("Stream was cancelled."));
  return { getReader: () => ({ read: () => promise, cancel }) } as unknown as ReadableStream<Uint8Array>;
}

function noMemory(): never {
  throw new Error("no memory is left");
}

describe("a large body", () => {
  it("is read into one buffer, however it is cut", async () => {
    expect(await readInto(streamOf("abc", "", "defg", "hij"), LIMITS)).toEqual(utf8("abcdefghij"));
    expect(await readInto(streamOf(), LIMITS)).toEqual(new Uint8Array());
    expect(await readInto(null, LIMITS)).toEqual(new Uint8Array());
  });

  it("is lent memory as it arrives, never more than it announced, and not by its announcement [T8]", async () => {
    const room = 1_000_000;
    const chunk = "x".repeat(50_000);
    const lent: number[] = [];
    let arrived = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        arrived += chunk.length;
        controller.enqueue(utf8(chunk));
        if (arrived === room) controller.close();
      },
    });
    const lend = (bytes: number) => {
      expect(bytes).toBeLessThanOrEqual(Math.max(65_536, 1.5 * arrived));
      lent.push(bytes);
    };
    const body = await readInto(stream, { ...LIMITS, room, maxBytes: room, lend });
    expect(body.length).toBe(room);
    expect(body.every((byte) => byte === 0x78)).toBe(true);
    expect(lent[0]).toBe(65_536);
    expect(lent.at(-1)).toBe(room);
  });

  it("is read to its end and dropped when no memory is left for it", async () => {
    const stream = streamOf("abc", "def");
    await expect(readInto(stream, { ...LIMITS, lend: noMemory })).rejects.toThrow("no memory is left");
    expect(stream.cancelled).toBeUndefined();
  });

  it("is cut off when it stands still, however much of it has come before [T8]", async () => {
    let cutOff = false;
    const idle = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(utf8("abcdef")),
      cancel: () => void (cutOff = true),
    });
    const pace = { bytes: 4, milliseconds: 5 };
    await expect(readInto(idle, { ...LIMITS, pace })).rejects.toMatchObject({ slug: "invalid-body" });
    expect(cutOff).toBe(true);
  });

  it("is refused likewise where a read fails once it is cut off, as workerd's does", async () => {
    const pace = { bytes: 4, milliseconds: 5 };
    await expect(readInto(idleInWorkerd(), { ...LIMITS, pace })).rejects.toMatchObject({
      slug: "invalid-body",
    });
    await expect(readInto(idleInWorkerd(), { ...LIMITS, milliseconds: 5 })).rejects.toMatchObject({
      slug: "invalid-body",
    });
    await drop(idleInWorkerd(), { maxBytes: 10, milliseconds: 5 });
  });

  it("is not taken for a slow one when its sender is gone", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("Network connection lost.")),
    });
    await expect(readInto(broken, LIMITS)).rejects.toThrow("Network connection lost.");
  });

  it("is not read past the limit, whatever was announced", async () => {
    const endless = streamOf(...Array.from({ length: 100 }, () => "abcdef"));
    await expect(readInto(endless, LIMITS)).rejects.toMatchObject({ slug: "body-too-large" });
    expect(endless.cancelled).toBe(true);
    await expect(readInto(streamOf("abcdef"), { ...LIMITS, room: 3 })).rejects.toMatchObject({
      slug: "invalid-body",
    });
  });

  it("is dropped when it is refused, and cut off when it does not end in time", async () => {
    let cutOff = false;
    const never = new ReadableStream<Uint8Array>({ cancel: () => void (cutOff = true) });
    await drop(never, { maxBytes: 10, milliseconds: 5 });
    expect(cutOff).toBe(true);
  });

  it("is refused when it does not end in time [T8]", async () => {
    const never = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(utf8("a")) });
    await expect(readInto(never, { ...LIMITS, milliseconds: 5 })).rejects.toMatchObject({
      slug: "invalid-body",
    });
  });

  it("has the room that it announces, and without a word the largest", () => {
    expect(roomFor(new Headers({ "content-length": "7" }), 10)).toBe(7);
    for (const length of ["-1", "1e3", "x", ""])
      expect(roomFor(new Headers({ "content-length": length }), 10)).toBe(10);
    expect(roomFor(new Headers(), 10)).toBe(10);
    expect(() => roomFor(new Headers({ "content-length": "11" }), 10)).toThrow(
      expect.objectContaining({ slug: "body-too-large" }),
    );
  });
});
