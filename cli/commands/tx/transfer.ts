import { Command } from "commander";
import { AssetId, Sha256Hex } from "../../../shared/chain/transaction.ts";
import { transfer as transferOf } from "../../../shared/client/unsigned.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { refuseLost, waiting, type WaitOptions } from "../../account/settle.ts";
import { submitSigned } from "../../account/submit.ts";
import { publicClient } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { show } from "../../output/show.ts";
import { connected, examples, ofSchema, type Connected } from "../options.ts";
import { asText } from "./show.ts";

interface Options extends Connected, WaitOptions {
  readonly keys: string;
  readonly allowUnregistered?: boolean;
}

export function transferCommand(): Command {
  return waiting(connected(new Command("transfer")))
    .description("give an asset of yours to another user")
    .argument("<asset>", "the asset's id", ofSchema(AssetId))
    .argument(
      "<newOwner>",
      "the new owner's userId, 64 hex digits: they alone can pass it on",
      ofSchema(Sha256Hex),
    )
    .addOption(keysOption())
    .option("--allow-unregistered", "the new owner's key may be one that no user has registered")
    .addHelpText("after", examples(`tx transfer deed-17 ${"0123456789abcdef".repeat(4)}`))
    .action(withCommandFailures(transfer));
}

async function transfer(asset: string, newOwner: string, options: Options): Promise<void> {
  const keys = await readKeys(options.keys);
  await refuseOwnerless(asset, options);
  const taken = await submitSigned(vdcClient(options), keys, transferOf(asset, newOwner), options);
  show(options, taken, asText);
  refuseLost(taken);
}

/**
 * Refuses an asset without an owner, before anything is signed: it never gets an owner. The deployment checks the rest.
 */
async function refuseOwnerless(asset: string, options: Options): Promise<void> {
  const params = { assetId: asset };
  const found = await publicClient(options).find("GET /api/vdc/assets/:assetId", { params });
  if (found === undefined || found.owner !== undefined) return;
  throw new CommandFailure(
    `${asset} has no owner, for a payment created it: nobody can transfer it. Let its owner create another asset, with \`vdc tx submit asset_creation\` or \`vdc document put --asset\`, and transfer that. Nothing was signed.`,
    EXIT.refused,
  );
}
