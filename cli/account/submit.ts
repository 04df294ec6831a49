import * as v from "valibot";
import { Submission, type UnsignedSubmission } from "../../shared/chain/submission.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import type { VdcClient } from "../../shared/client/vdc-client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { settle, type AcceptedSubmission, type WaitOptions } from "./settle.ts";
import { issueText } from "../../shared/schema/issue-text.ts";

/**
 * Signs and submits a transaction, and waits for it.
 * @throws CommandFailure, before anything is sent, that names the fault
 */
export async function submitSigned(
  client: VdcClient,
  user: UserKeys,
  unsigned: UnsignedSubmission,
  options: WaitOptions & { readonly allowUnregistered?: boolean },
): Promise<AcceptedSubmission> {
  refuseMalformed(unsigned);
  const { allowUnregistered = false } = options;
  const accepted = await client.submit(await client.sign(user, unsigned), { allowUnregistered });
  return settle(client, accepted, options);
}

const PLACEHOLDER = { algorithm: "ML-DSA-44", keyId: "0".repeat(64), publicKey: "A", signature: "A" };

function refuseMalformed(unsigned: UnsignedSubmission): void {
  const parsed = v.safeParse(Submission, { ...unsigned, signatures: { user: PLACEHOLDER } });
  if (parsed.success) return;
  const [issue] = parsed.issues;
  throw new CommandFailure(issueText(issue, "the transaction"), EXIT.usage);
}
