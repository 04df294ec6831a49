import { InvalidArgumentError, Option, type Command } from "commander";
import * as v from "valibot";
import { TxId } from "../../shared/chain/transaction.ts";
import { PERMANENT_REASONS } from "../../shared/errors.ts";
import { wholeNumber } from "../commands/options.ts";

/** Which dead letters are meant; as the calls have it, in a query or in a body. */
export interface Filter {
  readonly stage?: string;
  readonly reason?: string;
  readonly txId?: string;
  readonly blockNumber?: number;
  readonly state?: string;
  readonly minAgeSeconds?: number;
  readonly maxAgeSeconds?: number;
}

export interface FilterOptions {
  readonly stage?: string;
  readonly cause?: string;
  readonly tx?: string;
  readonly block?: number;
  readonly state?: string;
  readonly olderThan?: number;
  readonly youngerThan?: number;
}

export function filtered(command: Command): Command {
  return command
    .option("--stage <stage>", "of this stage")
    .addOption(new Option("--cause <reason>", "that failed for this reason").choices(PERMANENT_REASONS))
    .option("--tx <id>", "of this transaction", txId)
    .option("--block <n>", "of this block", wholeNumber(0))
    .addOption(
      new Option("--state <state>", "in this state").choices(["open", "replaying", "resolved", "dismissed"]),
    )
    .option("--older-than <age>", "first seen longer ago: 90s, 15m, 2h, 3d", seconds)
    .option("--younger-than <age>", "first seen since", seconds);
}

/** What was not asked for is left out. */
export function filterOf(options: FilterOptions): Filter {
  const { stage, cause, tx, block, state, olderThan, youngerThan } = options;
  return {
    ...(stage !== undefined && { stage }),
    ...(cause !== undefined && { reason: cause }),
    ...(tx !== undefined && { txId: tx }),
    ...(block !== undefined && { blockNumber: block }),
    ...(state !== undefined && { state }),
    ...(olderThan !== undefined && { minAgeSeconds: olderThan }),
    ...(youngerThan !== undefined && { maxAgeSeconds: youngerThan }),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function seconds(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("expected a number and a unit: 90s, 15m, 2h, 3d");
  return Number(digits) * (UNITS[unit] ?? 1);
}

function txId(text: string): string {
  const parsed = v.safeParse(TxId, text);
  if (!parsed.success) throw new InvalidArgumentError(parsed.issues[0].message);
  return parsed.output;
}
