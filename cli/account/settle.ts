import type { Command } from "commander";
import type { VdcClient } from "../../shared/client/vdc-client.ts";
import type { Settled } from "../../shared/client/settled.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { note } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { wholeNumber } from "../commands/options.ts";

export interface WaitOptions {
  readonly wait: boolean;
  /** Seconds. */
  readonly timeout: number;
}

const TIMEOUT_SECONDS = 600;

export function waiting(command: Command): Command {
  return command
    .option("--no-wait", "return at once: do not wait for mining, or for the pin of a document")
    .option("--timeout <seconds>", "how long to wait", wholeNumber(1, 604_800), TIMEOUT_SECONDS);
}

/** A submission that the deployment took, with its state. */
export interface AcceptedSubmission {
  readonly txId: string;
  readonly state: string;
}

/** @returns the final state, or with --no-wait the state in which it was accepted */
export async function settle(
  client: VdcClient,
  accepted: AcceptedSubmission,
  { wait, timeout }: WaitOptions,
): Promise<AcceptedSubmission | Settled> {
  if (accepted.state === "awaiting_payment")
    note(`It is kept until it is paid: a Stripe payment whose client_reference_id is ${accepted.txId}.`);
  if (!wait) return accepted;
  if (process.stderr.isTTY) note(`Taken. Waiting up to ${counted(timeout, "second")} until it is mined …`);
  return client.waitUntilMined(accepted.txId, { timeout: timeout * 1_000 });
}

/** @throws CommandFailure when the transaction will never be mined */
export function refuseLost(settled: AcceptedSubmission | Settled): void {
  const { txId, state } = settled;
  if (state === "set_aside") {
    const reason = "reason" in settled ? settled.reason : null;
    throw new CommandFailure(`${txId} can't be mined: ${reason ?? "no reason is known"}`, EXIT.refused);
  }
  if (state === "expired") throw new CommandFailure(`${txId} was not paid in time`, EXIT.refused);
}
