import { tooLarge } from "./body.ts";
import { Problem } from "./problems.ts";

/** How many bytes a body needs room for: what it announces, or the most it may have. @throws Problem "body-too-large" */
export function roomFor(headers: Headers, maxBytes: number): number {
  const announced = headers.get("content-length");
  if (announced === null || !/^\d{1,15}$/.test(announced)) return maxBytes;
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
  return Number(announced);
}

/**
 * The whole body in one buffer that is made beforehand: for large ones, that must not be in memory twice. What was announced
 * is not trusted: reading stops at the room there is.
 * @param milliseconds for all of it
 * @throws Problem "body-too-large" or "invalid-body"
 */
export async function readInto(
  body: ReadableStream<Uint8Array> | null,
  { room, maxBytes, milliseconds }: { room: number; maxBytes: number; milliseconds: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(room);
  const reader = body?.getReader();
  if (reader === undefined) return buffer.subarray(0, 0);
  const { signal: deadline, stop } = cutOff(reader, milliseconds);
  try {
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (deadline.aborted)
        throw new Problem("invalid-body", `The body did not arrive within ${milliseconds / 1_000} seconds.`);
      if (done) return buffer.subarray(0, length);
      if (length + value.length > room) {
        await dropRest(reader, maxBytes);
        throw room < maxBytes
          ? new Problem("invalid-body", "The body is longer than its content-length says.")
          : tooLarge(maxBytes);
      }
      buffer.set(value, length);
      length += value.length;
    }
  } finally {
    stop();
  }
}

/** Ends the reading of what has not come in time. */
function cutOff(reader: ReadableStreamDefaultReader<Uint8Array>, milliseconds: number) {
  const signal = AbortSignal.timeout(milliseconds);
  const late = () => void reader.cancel().catch(() => undefined); // it has failed already
  signal.addEventListener("abort", late);
  return { signal, stop: () => signal.removeEventListener("abort", late) };
}

/**
 * Reads what is refused, and drops it: many a client reads no answer before it has sent all. What is larger by far than it
 * may be, or does not end in time, is cut off.
 * @param milliseconds for all of it
 */
export async function drop(
  body: ReadableStream<Uint8Array> | null,
  { maxBytes, milliseconds }: { maxBytes: number; milliseconds: number },
): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  const { stop } = cutOff(reader, milliseconds);
  try {
    await dropRest(reader, maxBytes);
  } finally {
    stop();
  }
}

async function dropRest(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<void> {
  let left = maxBytes;
  while (left >= 0) {
    const { done, value } = await reader.read();
    if (done) return;
    left -= value.length;
  }
  await reader.cancel();
}
