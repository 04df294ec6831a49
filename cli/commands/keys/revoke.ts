import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import type { KeyRevoked, RevocationRequested } from "../../../shared/api/keys.ts";
import { untrustedBlocks } from "../../../shared/chain/signing-keys.ts";
import { KeyRevocation, Sha256Hex } from "../../../shared/chain/transaction.ts";
import { blocksText } from "../../chain/untrusted.ts";
import { operatorClient, type Client } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { confirm } from "../../output/confirm.ts";
import { show } from "../../output/show.ts";
import { connected, examples, ofSchema, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly fromBlock: number;
  readonly reason: string;
  readonly yes?: boolean;
}

const PUBLISH_TIMEOUT_MS = 60_000; // a block to be made and published
const ASK_AGAIN_AFTER_MS = 1_000;

export function revokeCommand(): Command {
  return connected(new Command("revoke"))
    .description(
      "state in a block, for ever, from which block on a retired signing key is not to be trusted (operator)",
    )
    .argument("<key id>", "64 hex digits; /.well-known/vdc.json lists the chain's keys", ofSchema(Sha256Hex))
    .requiredOption("--from-block <n>", "the first block that somebody else may have signed", wholeNumber(0))
    .requiredOption(
      "--reason <text>",
      "why, in 1 to 200 characters: it is public for ever",
      ofSchema(KeyRevocation.entries.reason),
    )
    .option("--yes", "don't ask")
    .addHelpText(
      "after",
      `
The key that replaced it signs the block, so rotate first: docs/operations.md, "A signing key was stolen". A revocation can't
be taken back; it can be widened by another from an earlier block on. Asked again, the answer is the same.
${examples('keys revoke 25140b3a… --from-block 120 --reason "the safe was opened on 1 May"')}`,
    )
    .action(revoke);
}

async function revoke(keyId: string, options: Options): Promise<void> {
  const client = operatorClient(options);
  const { fromBlock, reason } = options;
  const { chainId, signingKeys } = await client.call("GET /.well-known/vdc.json");
  const key = signingKeys.find((known) => known.keyId === keyId);
  if (key === undefined)
    throw new CommandFailure(`chain ${chainId} has announced no signing key ${keyId}`, EXIT.notFound);
  const [blocks] = untrustedBlocks([{ ...key, revocation: { fromBlock, reason, blockNumber: 0 } }]);
  const named = blocks === undefined ? "no block" : blocksText(blocks);
  await confirm(
    `The next block of ${chainId} states for ever that key ${keyId} is not to be trusted from block ${fromBlock} on ("${reason}"); every verifier will name ${named} as untrusted`,
    options,
  );
  const answer = await client.call("POST /api/vdc/keys/:keyId/revoke", {
    params: { keyId },
    body: { fromBlock, reason },
  });
  show(options, "blockNumber" in answer ? answer : await stated(answer, client), asText);
}

/**
 * Waits until a published block states the revocation: a restore of the chain head forgets a revocation that no block
 * states.
 */
async function stated(requested: RevocationRequested, client: Client): Promise<KeyRevoked> {
  const { keyId, fromBlock } = requested;
  for (const until = Date.now() + PUBLISH_TIMEOUT_MS; Date.now() < until; await wait(ASK_AGAIN_AFTER_MS)) {
    const { latestBlock, signingKeys } = await client.call("GET /.well-known/vdc.json");
    const revocation = signingKeys.find((key) => key.keyId === keyId)?.revocation;
    if (revocation?.fromBlock === fromBlock && revocation.blockNumber <= (latestBlock ?? -1))
      return { keyId, ...revocation };
  }
  throw new CommandFailure(
    `the block that revokes ${keyId} is not published after ${PUBLISH_TIMEOUT_MS / 1_000} seconds. It goes on being made: \`vdc status\` shows how far it is; say the same command again to see it done`,
  );
}

function asText({ keyId, fromBlock, blockNumber, reason }: KeyRevoked): string {
  return `block ${blockNumber} states that key ${keyId} is not to be trusted from block ${fromBlock} on: ${reason}`;
}
