import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundles } from "../../../cli/local/stack/build.ts";

/** The end of a module with a default export, as esbuild writes it. */
const EXPORTS = /^export \{[^}]*?(\w+) as default\b/m;

/** A consumer is a plain object, or a class of which the platform makes an instance for each batch. */
const tap = (name: string) => `
{
  const consumer = typeof ${name} === "function" ? ${name}.prototype : ${name};
  const { queue } = consumer;
  if (queue !== undefined)
    consumer.queue = function (batch, ...rest) {
      for (const { body } of batch.messages)
        console.log(JSON.stringify({ event: "queue.message", queue: batch.queue, body }));
      return queue.call(this, batch, ...rest);
    };
}
`;

/**
 * Returns the same bundles, but every consumer of a queue logs each whole message that it receives: event
 * `queue.message`.
 * @param directory for the copies
 */
export function tapped(bundles: Bundles, directory: string): Bundles {
  return (worker) => {
    const copy = mkdtempSync(join(directory, `${worker}-`));
    cpSync(bundles(worker), copy, { recursive: true });
    const file = join(copy, "index.js");
    const bundle = readFileSync(file, "utf8");
    const [, name] = EXPORTS.exec(bundle) ?? [];
    if (name === undefined) throw new Error(`the bundle of ${worker} has no default export`);
    writeFileSync(
      file,
      bundle.replace(EXPORTS, (exports) => tap(name) + exports),
    );
    return copy;
  };
}
