import { InvalidArgumentError, Option, type Command } from "commander";
import { TxId } from "../../shared/chain/transaction.ts";
import {
  DEAD_LETTER_STATES,
  type DeadLetterFilter,
  type DeadLetterState,
} from "../../shared/api/dead-letters.ts";
import { PERMANENT_REASONS, type PermanentReason } from "../../shared/runtime/errors.ts";
import { STAGES, type StageName } from "../../shared/pipeline.ts";
import { ofSchema, wholeNumber } from "../commands/options.ts";

export interface FilterOptions {
  readonly stage?: StageName;
  readonly cause?: PermanentReason;
  readonly tx?: string;
  readonly block?: number;
  readonly state?: DeadLetterState;
  readonly olderThan?: number;
  readonly youngerThan?: number;
}

export function filtered(command: Command): Command {
  return command
    .addOption(new Option("--stage <stage>", "of this stage").choices(STAGES))
    .addOption(new Option("--cause <reason>", "that failed for this reason").choices(PERMANENT_REASONS))
    .option("--tx <id>", "of this transaction", ofSchema(TxId))
    .option("--block <n>", "of this block", wholeNumber(0))
    .addOption(new Option("--state <state>", "in this state").choices(DEAD_LETTER_STATES))
    .option("--older-than <age>", "first seen longer ago: 90s, 15m, 2h, 3d", seconds)
    .option("--younger-than <age>", "first seen since", seconds);
}

/** The filter as the calls take it, in a query or in a body. Options that were not given are left out. */
export function filterOf(options: FilterOptions): DeadLetterFilter {
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

export function seconds(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("expected a number and a unit: 90s, 15m, 2h, 3d");
  return Number(digits) * (UNITS[unit] ?? 1);
}
