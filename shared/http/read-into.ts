import { tooLarge } from "./body.ts";
import { Problem } from "./problems.ts";

/** Most bytes of a body: the length that it announces, or else the limit. @throws Problem "body-too-large" */
export function roomFor(headers: Headers, maxBytes: number): number {
  const announced = headers.get("content-length");
  if (announced === null || !/^\d{1,15}$/.test(announced)) return maxBytes;
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
  return Number(announced);
}

/** Conditions on an arriving body. */
interface Arriving {
  /** The announced number of bytes; a longer body is refused. */
  readonly room: number;
  readonly maxBytes: number;
  /** Limit for the whole body. */
  readonly milliseconds: number;
  /** The least number of bytes that must arrive in each such period, except in the last one. */
  readonly pace: { readonly bytes: number; readonly milliseconds: number };
  /** Called with the buffer's new size, before the buffer grows. @throws the refusal of the body */
  readonly lend?: (bytes: number) => void;
}

/**
 * Reads the whole body into one buffer, which grows with the arriving bytes: an announced length reserves no memory.
 * @throws Problem "body-too-large" or "invalid-body", or the error that `lend` throws
 */
export async function readInto(
  body: ReadableStream<Uint8Array> | null,
  { room, maxBytes, milliseconds, pace, lend = () => {} }: Arriving,
): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new ArrayBuffer(0);
  const reader = body?.getReader();
  if (reader === undefined) return new Uint8Array(buffer);
  const deadline = cutOff(reader, milliseconds);
  const pacer = new Pacer(reader, pace);
  const isCutOff = () => deadline.signal.aborted || pacer.isLate;
  try {
    let length = 0;
    for (;;) {
      const { done, value } = await nextOf(reader, isCutOff);
      if (deadline.signal.aborted)
        throw new Problem("invalid-body", `The body did not arrive within ${milliseconds / 1_000} seconds.`);
      if (pacer.isLate)
        throw new Problem(
          "invalid-body",
          `The body arrived more slowly than ${pace.bytes} bytes in ${pace.milliseconds / 1_000} seconds.`,
        );
      if (done) return new Uint8Array(buffer, 0, length);
      pacer.arrived(value.length);
      if (length + value.length > room) {
        await dropRest(reader, maxBytes, isCutOff);
        throw room < maxBytes
          ? new Problem("invalid-body", "The body is longer than its content-length says.")
          : tooLarge(maxBytes);
      }
      if (length + value.length > buffer.byteLength) {
        const capacity = Math.min(room, grown(buffer.byteLength, length + value.length));
        await orDropRest(reader, maxBytes, isCutOff, () => lend(capacity));
        buffer = buffer.transfer(capacity); // the old buffer is freed at once
      }
      new Uint8Array(buffer).set(value, length);
      length += value.length;
    }
  } finally {
    deadline.stop();
    pacer.stop();
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Reads the next chunk. Cancelling a body ends a waiting read: by the standard it resolves as done, in workerd it
 * rejects. Both count as done.
 */
async function nextOf(
  reader: Reader,
  isCutOff: () => boolean,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    if (isCutOff()) return { done: true, value: undefined };
    throw error;
  }
}

const FIRST_BYTES = 65_536;

/** Grows by half at a time: few copies, and little memory for bytes that have not arrived. */
function grown(capacity: number, needed: number): number {
  return Math.max(needed, FIRST_BYTES, Math.ceil(capacity * 1.5));
}

/**
 * Ends the reading of a body that arrives too slowly: an idle connection must not hold memory that other requests need.
 */
class Pacer {
  readonly #reader: Reader;
  readonly #pace: Arriving["pace"];
  #missing = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  isLate = false;

  constructor(reader: Reader, pace: Arriving["pace"]) {
    this.#reader = reader;
    this.#pace = pace;
    this.#begin();
  }

  arrived(bytes: number): void {
    this.#missing -= bytes;
    if (this.#missing <= 0) this.#begin();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.stop();
    this.#missing = this.#pace.bytes;
    this.#timer = setTimeout(() => {
      this.isLate = true;
      void this.#reader.cancel().catch(() => undefined); // it has failed already
    }, this.#pace.milliseconds);
  }
}

/** Ends the reading after a time limit. */
function cutOff(reader: Reader, milliseconds: number) {
  const signal = AbortSignal.timeout(milliseconds);
  const late = () => void reader.cancel().catch(() => undefined); // it has failed already
  signal.addEventListener("abort", late);
  return { signal, stop: () => signal.removeEventListener("abort", late) };
}

/**
 * Reads a refused body and drops it, because many clients read no answer before they have sent the whole body. The
 * connection is cut when the body is far too large, or does not end in time.
 * @param milliseconds limit for the whole body
 */
export async function drop(
  body: ReadableStream<Uint8Array> | null,
  { maxBytes, milliseconds }: { maxBytes: number; milliseconds: number },
): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  const { signal, stop } = cutOff(reader, milliseconds);
  try {
    await dropRest(reader, maxBytes, () => signal.aborted);
  } finally {
    stop();
  }
}

async function orDropRest(
  reader: Reader,
  maxBytes: number,
  isCutOff: () => boolean,
  attempt: () => void,
): Promise<void> {
  try {
    attempt();
  } catch (refusal) {
    await dropRest(reader, maxBytes, isCutOff);
    throw refusal;
  }
}

async function dropRest(reader: Reader, maxBytes: number, isCutOff: () => boolean): Promise<void> {
  let left = maxBytes;
  while (left >= 0) {
    const { done, value } = await nextOf(reader, isCutOff);
    if (done) return;
    left -= value.length;
  }
  await reader.cancel();
}
