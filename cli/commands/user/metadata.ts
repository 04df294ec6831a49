import { Command } from "commander";
import { VdcProblem } from "../../../shared/client/problem.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { openMetadata, sealMetadata } from "../../../shared/client/user-metadata.ts";
import type { VdcClient } from "../../../shared/client/vdc-client.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { readJsonObject, type JsonObject } from "../../files/read.ts";
import { show } from "../../output/show.ts";
import { connected, examples, path, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly keys: string;
}

export function metadataCommand(): Command {
  return new Command("metadata")
    .description("what is kept about you: encrypted to your key, and replaced by your signature only")
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addHelpText("after", examples("user metadata get"));
}

function getCommand(): Command {
  return connected(new Command("get"))
    .description("fetch it, check that you signed it, and decrypt it")
    .addOption(keysOption())
    .addHelpText("after", examples("user metadata get", "user metadata get --json | jq .metadata"))
    .action(withCommandFailures(get));
}

async function get(options: Options): Promise<void> {
  const user = await readKeys(options.keys);
  const client = vdcClient(options);
  const record = await client.getUserMetadata(user.userId);
  const metadata = await openMetadata(await client.chainId(), user, record);
  show(options, { version: record.version, metadata }, () => JSON.stringify(metadata, null, 2));
}

function putCommand(): Command {
  return connected(new Command("put"))
    .description("encrypt a JSON object to your key, and put it in the place of what is kept")
    .argument("<file>", "the file that holds it; - for stdin", path)
    .addOption(keysOption())
    .addHelpText("after", examples("user metadata put about-me.json", "user metadata put - < about-me.json"))
    .action(withCommandFailures(put));
}

async function put(file: string, options: Options): Promise<void> {
  const user = await readKeys(options.keys);
  const metadata = await readJsonObject(file);
  const stored = await replace(vdcClient(options), user, metadata);
  show(options, stored, ({ version }) => `kept as version ${version}`);
}

/**
 * Replaces the metadata. The public record can be a minute old, so on a conflict the deployment's own version is
 * replaced.
 */
async function replace(client: VdcClient, user: UserKeys, metadata: JsonObject) {
  const chainId = await client.chainId();
  const putAs = async (version: number) =>
    client.putUserMetadata(await sealMetadata(chainId, user, version, metadata));
  try {
    return await putAs((await shownVersion(client, user)) + 1);
  } catch (error) {
    if (!(error instanceof VdcProblem) || error.slug !== "stale-version") throw error;
    return putAs(Number(error.members.version) + 1);
  }
}

async function shownVersion(client: VdcClient, { userId }: UserKeys): Promise<number> {
  try {
    return (await client.getUserMetadata(userId)).version;
  } catch (error) {
    if (error instanceof VdcProblem && error.slug === "not-found") return 0;
    throw error;
  }
}
