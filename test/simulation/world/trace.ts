import { createHash } from "node:crypto";

const KEPT = 200_000; // lines
const HASHED_AT_ONCE = 16_384; // characters

/** The events, line by line. If two runs of a seed have different digests, the seed does not decide everything. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #lines: string[] | undefined;
  #count = 0;
  #unhashed = "";
  #at = Number.NaN;
  #time = "";

  /** @param keep whether to keep the lines, and not only their digest */
  constructor(keep: boolean) {
    this.#lines = keep ? [] : undefined;
  }

  line(at: number, text: string): void {
    if (at !== this.#at) {
      this.#at = at;
      this.#time = new Date(at).toISOString();
    }
    const line = `${this.#time} ${text}`;
    this.#count++;
    this.#unhashed += `${line}\n`;
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#hashAll();
    if (this.#lines === undefined) return;
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT) this.#lines.splice(0, KEPT);
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  get count(): number {
    return this.#count;
  }

  digest(): string {
    this.#hashAll();
    return this.#hash.copy().digest("hex");
  }

  #hashAll(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = "";
  }
}
