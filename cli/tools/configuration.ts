import { experimental_readRawConfig } from "wrangler";
import { LOCAL_VARS } from "../local/stack/stack.ts";
import { configPath, WORKER_NAMES } from "../local/stack/workers.ts";
import type { WorkerName } from "../../shared/pipeline.ts";
import { SECRETS, SETTING_GROUPS, type Setting } from "./settings.ts";

interface RawConfig {
  readonly vars?: Readonly<Record<string, string>>;
  readonly secrets?: { readonly required: readonly string[] };
}

const INTRODUCTION = `# Configuration

This page is made by \`npm run openapi\` from \`cli/tools/settings.ts\` and the \`wrangler.toml\` files.

A variable stands under \`[vars]\` in the \`wrangler.toml\` of each Worker that reads it. Set it to the same value in all of them. The local
stack takes an environment variable of the same name first, and has a few defaults of its own, which are shorter.

Besides, \`npm start\` reads \`PORT\` (default 8787) and \`VDC_DATA_DIR\` (default \`.vdc\`, the folder for its data).`;

/** docs/configuration.md: every variable and secret with its default, its Workers and its meaning. */
export function configurationPage(): string {
  const configs = WORKER_NAMES.map((worker): [WorkerName, RawConfig] => [
    worker,
    experimental_readRawConfig({ config: configPath(worker) }).rawConfig as RawConfig,
  ]);
  const sections = SETTING_GROUPS.map(
    ({ title, settings }) =>
      `## ${title}\n\n${settings.map((setting) => settingItem(setting, configs)).join("\n")}`,
  );
  const secrets = SECRETS.map(({ name, optionalIn, meaning }) => {
    const workers = configs.flatMap(([worker, config]) =>
      config.secrets?.required.includes(name) ? [worker] : [],
    );
    return `- \`${name}\`, ${optionalIn === undefined ? workers.join(", ") : `optional in ${optionalIn}`}. ${meaning}`;
  });
  return `${[INTRODUCTION, ...sections, `## Secrets\n\n${secrets.join("\n")}`].join("\n\n")}\n`;
}

/** @throws Error when no Worker reads it, or Workers differ about its default */
function settingItem(
  { name, meaning, empty = "" }: Setting,
  configs: readonly [WorkerName, RawConfig][],
): string {
  const readers = configs.filter(([, { vars }]) => vars?.[name] !== undefined);
  const [otherwise, another] = new Set(readers.map(([, { vars }]) => vars?.[name]));
  if (otherwise === undefined || another !== undefined) throw new Error(`${name} has no single default`);
  const local = LOCAL_VARS[name];
  const locally = local === undefined ? "" : `, locally \`${local}\``;
  const where =
    readers.length === configs.length ? "every Worker" : readers.map(([worker]) => worker).join(", ");
  return `- \`${name}\` = ${otherwise === "" ? empty : `\`${otherwise}\``}${locally} (${where}). ${meaning}`;
}
