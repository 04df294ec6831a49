import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SyntheticEvent } from "../../../../cli/local/stripe/synthetic.ts";
import type { EventFamily, RefundFamily } from "../../../../shared/stripe/decision.ts";
import { stripeTxId } from "../../../../shared/stripe/to-transaction.ts";
import { listIn } from "../../../support/assertions/lists.ts";
import { fixture as read } from "../../../support/chain/vectors.ts";
import { decide, transactionOf } from "./events.ts";

interface Movement {
  readonly name: string;
  readonly movement: string;
  readonly versions: { readonly from: string; readonly to: string };
  readonly family: EventFamily;
  readonly refundFamily: RefundFamily;
  readonly event: Omit<SyntheticEvent, "api_version">;
  readonly becomes:
    | { readonly ignored: string }
    | {
        readonly type: string;
        readonly source: string;
        readonly refunds?: string | null;
        readonly failed?: string | null;
      };
}

const MOVEMENTS = read("stripe/movements.json") as Movement[];
const PAGE = readFileSync(join(import.meta.dirname, "../../../../docs/stripe.md"), "utf8");

const idOf = (object: string) => stripeTxId({ livemode: false, account: null, object });
const namesOf = (names: Readonly<Record<string, string | null>>) =>
  Object.fromEntries(
    Object.entries(names).map(([member, object]) => [member, object === null ? null : idOf(object)]),
  );

function outcomeOf({ event, family, refundFamily }: Movement, apiVersion: string) {
  const told = { ...event, api_version: apiVersion };
  const decision = decide(told, family, undefined, refundFamily);
  if (decision.kind === "ignored") return { ignored: decision.reason };
  const { id, type, data } = transactionOf(told, family, refundFamily).payload.transaction;
  return { id, type, data };
}

describe("every movement of money", () => {
  it.each(MOVEMENTS)("becomes what docs/stripe.md says: $name", (movement) => {
    const { versions, becomes } = movement;
    for (const version of new Set([versions.from, versions.to])) {
      const outcome = outcomeOf(movement, version);
      if ("ignored" in becomes) expect(outcome).toEqual(becomes);
      else {
        const { type, source, ...names } = becomes;
        expect(outcome).toEqual({ id: idOf(source), type, data: namesOf(names) });
      }
    }
  });

  it("has one id in all of its rows, and a refund that is made again has another", () => {
    const idsOf = new Map<string, Set<string>>();
    for (const movement of MOVEMENTS) {
      const outcome = outcomeOf(movement, movement.versions.to);
      if (outcome.id === undefined) continue;
      const ids = idsOf.get(movement.movement) ?? new Set();
      idsOf.set(movement.movement, ids.add(outcome.id));
    }
    for (const [movement, ids] of idsOf) expect([...ids], movement).toHaveLength(1);
    const first = [...(idsOf.get("a payment is refunded in part") ?? [])];
    expect([...(idsOf.get("a refund that failed is made again") ?? [])]).not.toEqual(first);
    expect([...(idsOf.get("the rest of it is refunded") ?? [])]).not.toEqual(first);
  });

  it("stands in docs/stripe.md, each item with its vector", () => {
    const [, movements = ""] = PAGE.split("\n## The movements\n");
    const shown = listIn(movements).map((row) => row.map((cell) => cell.replaceAll("`", "")));
    expect(
      shown.map(([name, movement, versions, event, , families, becomes]) => ({
        name,
        movement,
        versions,
        event,
        families,
        becomes,
      })),
    ).toEqual(
      MOVEMENTS.map(({ name, movement, versions, event, family, refundFamily, becomes }) => ({
        name,
        movement,
        versions: versions.from === versions.to ? versions.from : `${versions.from} to ${versions.to}`,
        event: event.type,
        families: `${family}, ${refundFamily}`,
        becomes: "ignored" in becomes ? `ignored: ${becomes.ignored}` : becomes.type,
      })),
    );
    for (const cells of shown) for (const cell of cells) expect(cell, cells[0]).not.toBe("");
  });

  it("is covered from 2022-08-01 to the SDK's own version", () => {
    const versions = MOVEMENTS.map(({ versions: { from, to } }) => [from, to]).flat();
    expect(versions).toContain("2022-08-01");
    expect(versions.toSorted().at(-1)).toBe("2026-10-28.endive");
  });
});
