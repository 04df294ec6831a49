import { describe, expect, it } from "vitest";
import { tokenMetadata } from "../../../../shared/storage/activation-tokens.ts";
import type { Fields, Log } from "../../../../shared/runtime/log.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { listed } from "../../../support/stack/memory-bucket.ts";
import {
  KEPT_AFTER_EXPIRY_MS,
  sweepActivations,
} from "../../../../workers/accounts/activation/sweep-activations.ts";

const NOW = 1_790_000_000_000;
const TX_ID = `vdc_tx_${"0a".repeat(20)}` as const;

/** A bucket that lists in order, at most `most` objects on a page. */
class Bucket {
  readonly objects = new Map<string, Record<string, string>>();
  lists = 0;
  readonly #most: number;

  constructor(most = 1_000) {
    this.#most = most;
  }

  add(hash: string, facts: { expiresAt: number; usedBy?: typeof TX_ID }): void {
    this.objects.set(r2Keys.activation(hash), tokenMetadata(facts));
  }

  get r2(): R2Bucket {
    return {
      list: async (options: R2ListOptions) => {
        this.lists++;
        const objects = [...this.objects].map(([key, customMetadata]) => [key, { customMetadata }] as const);
        return listed(objects, { ...options, limit: this.#most });
      },
      delete: async (keys: string[]) => {
        for (const key of keys) this.objects.delete(key);
      },
    } as unknown as R2Bucket;
  }
}

const logged: [string, Fields | undefined][] = [];
const note = (event: string, fields?: Fields) => void logged.push([event, fields]);
const log: Log = { info: note, warn: note, error: note, with: () => log };

const hash = (n: number) => n.toString(16).padStart(2, "0").repeat(32);

describe("the sweep of activation tokens", () => {
  it("deletes those that expired unused a month ago, and leaves the others", async () => {
    const bucket = new Bucket();
    const over = NOW - KEPT_AFTER_EXPIRY_MS;
    bucket.add(hash(1), { expiresAt: over - 1 });
    bucket.add(hash(2), { expiresAt: over });
    bucket.add(hash(3), { expiresAt: NOW + 1 });
    bucket.add(hash(4), { expiresAt: 0, usedBy: TX_ID });
    bucket.objects.set(r2Keys.activation("foreign"), {});
    for (const from of ["00", "03", "ff"]) await sweepActivations({ R2: bucket.r2 }, log, from, NOW);
    expect([...bucket.objects.keys()].toSorted()).toEqual(
      [hash(2), hash(3), hash(4), "foreign"].map(r2Keys.activation),
    );
    expect(logged).toContainEqual(["sweep.activations_deleted", { count: 1 }]);
    expect(logged).toContainEqual(["sweep.foreign_object", { key: r2Keys.activation("foreign") }]);
  });

  it("gets at all of them in time, two pages at most a run, however many used ones there are", async () => {
    const bucket = new Bucket(10);
    for (let n = 0; n < 256; n++)
      bucket.add(hash(n), n % 2 === 0 ? { expiresAt: 0 } : { expiresAt: 0, usedBy: TX_ID });
    let runs = 0;
    for (let n = 0; n < 256; n += 5, runs++)
      await sweepActivations({ R2: bucket.r2 }, log, hash(n).slice(0, 8), NOW);
    expect(bucket.objects.size).toBe(128);
    expect(bucket.lists).toBeLessThanOrEqual(2 * runs);
  });
});
