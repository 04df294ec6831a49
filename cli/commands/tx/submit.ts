import { Argument, Command, InvalidArgumentError } from "commander";
import {
  SUBMITTED_TYPES,
  type SubmittedType,
  type UnsignedSubmission,
} from "../../../shared/chain/submission.ts";
import { privatePart, registration } from "../../../shared/client/unsigned.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { InexactJson } from "../../files/exact-json.ts";
import { jsonObjectOf, readJsonObject, type JsonObject } from "../../files/read.ts";
import { refuseLost, waiting, type WaitOptions } from "../../account/settle.ts";
import { submitSigned } from "../../account/submit.ts";
import { show } from "../../output/show.ts";
import { connected, examples, path, type Connected } from "../options.ts";
import { asText } from "./show.ts";

interface Options extends Connected, WaitOptions {
  readonly keys: string;
  readonly private?: string;
  readonly allowUnregistered?: boolean;
}

export function submitCommand(): Command {
  return waiting(connected(new Command("submit")))
    .description("sign a transaction with your keys, and submit it")
    .addArgument(new Argument("<type>").choices(SUBMITTED_TYPES))
    .argument(
      "[data]",
      "its public facts as JSON (public for ever: no names, no addresses); for a registration, those of your keys",
      jsonObject,
    )
    .addOption(keysOption())
    .option("--private <file>", "JSON for its private part, which is encrypted; - for stdin", path)
    .option("--allow-unregistered", "a transfer's new owner may be a key that no user has registered")
    .addHelpText(
      "after",
      `
An asset_creation takes assetId, documentHash, documentCid, documentType; an asset_transfer assetId and newOwnerKeyId.
${examples(`tx submit asset_creation '{"assetId":"deed-17"}'`, "tx submit user_registration --json | jq -r .txId")}`,
    )
    .action(withCommandFailures(submit));
}

async function submit(type: SubmittedType, data: JsonObject | undefined, options: Options): Promise<void> {
  const keys = await readKeys(options.keys);
  const facts = data ?? (type === "user_registration" ? registration(keys).data : {});
  const unsigned = {
    type,
    timestamp: Date.now(),
    data: facts,
    ...(options.private !== undefined && { private: privatePart(await readJsonObject(options.private)) }),
  } as UnsignedSubmission;
  const taken = await submitSigned(vdcClient(options), keys, unsigned, options);
  show(options, taken, asText);
  refuseLost(taken);
}

function jsonObject(text: string): JsonObject {
  try {
    return jsonObjectOf(text);
  } catch (error) {
    if (!(error instanceof InexactJson)) throw error;
    throw new InvalidArgumentError(error.message);
  }
}
