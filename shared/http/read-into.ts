import { tooLarge } from "./body.ts";
import { Problem } from "./problems.ts";

/** How many bytes a body may have: what it announces, or the most that it may have. @throws Problem "body-too-large" */
export function roomFor(headers: Headers, maxBytes: number): number {
  const announced = headers.get("content-length");
  if (announced === null || !/^\d{1,15}$/.test(announced)) return maxBytes;
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
  return Number(announced);
}

/** How a body has to arrive. */
interface Arriving {
  /** Bytes that it announced; no more are read. */
  readonly room: number;
  readonly maxBytes: number;
  /** For all of it. */
  readonly milliseconds: number;
  /** So many bytes at least have to arrive within so many milliseconds, but for the last of the body. */
  readonly pace: { readonly bytes: number; readonly milliseconds: number };
  /** Called before so many bytes are held in all. @throws what the body is to be refused with */
  readonly lend?: (bytes: number) => void;
}

/**
 * The whole body in one buffer, which grows with what arrives: an announced length costs nothing before its bytes are there.
 * @throws Problem "body-too-large" or "invalid-body", or what `lend` throws
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

/** Cancelling a body ends a waiting read: the standard resolves it as done, workerd rejects it. Both are answered as done. */
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

/** By half at a time: few copies, and little is held that has not arrived. */
function grown(capacity: number, needed: number): number {
  return Math.max(needed, FIRST_BYTES, Math.ceil(capacity * 1.5));
}

/** Ends the reading of a body that arrives too slowly: an idle connection must not hold what others need. */
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

/** Ends the reading of what has not come in time. */
function cutOff(reader: Reader, milliseconds: number) {
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
