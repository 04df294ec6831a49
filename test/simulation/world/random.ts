import { createHash } from "node:crypto";

/** Seeded random numbers: the same seed and the same questions give the same answers, on every machine. */
export class Random {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: string) {
    this.#seed = seed;
    const digest = createHash("sha256").update(seed).digest();
    this.#state = Uint32Array.from({ length: 4 }, (_, i) => digest.readUInt32LE(4 * i));
  }

  /** Returns a separate sequence for a part of the world, so that its draws do not change the draws of other parts. */
  of(part: string): Random {
    return new Random(`${this.#seed}/${part}`);
  }

  /** In [0, 2^32): sfc32 (PractRand, C. Doty-Humphrey). */
  uint32(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const sum = (s[0] + s[1] + s[3]) >>> 0;
    s[3]++;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum;
    return sum;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Returns true with this probability. @param probability 0 to 1 */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const picked = choices[this.between(0, choices.length - 1)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const order = items.map((item) => ({ item, at: this.uint32() }));
    return order.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
  }

  /** Returns a duration of about `typical`; once in a hundred times up to twenty times as much. */
  duration(typical: number): number {
    const long = this.chance(0.01) ? 20 : 1;
    return Math.ceil(typical * long * (0.2 + this.fraction() * 1.6));
  }

  bytesInto(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.uint32() & 0xff;
  }
}
