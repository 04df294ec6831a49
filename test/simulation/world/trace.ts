import { createHash } from "node:crypto";

const KEPT = 200_000; // lines

/** What happened, line by line. Two runs of a seed have the same digest, or the seed does not decide everything. */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #lines: string[] | undefined;
  #count = 0;

  /** @param keep whether the lines are wanted, and not only their digest */
  constructor(keep: boolean) {
    this.#lines = keep ? [] : undefined;
  }

  line(at: number, text: string): void {
    const line = `${new Date(at).toISOString()} ${text}`;
    this.#count++;
    this.#hash.update(line).update("\n");
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
    return this.#hash.copy().digest("hex");
  }
}
