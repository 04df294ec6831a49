import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import type { Bundles } from "../../cli/local/stack/build.ts";
import { READ_CALLS } from "./writes.ts";

/** The end of a module, as esbuild writes it. */
const EXPORTS = /^export \{([^}]*)\};\s*$/m;
const EXPORT = /^(\w+)(?: as (\w+))?$/;

/** Milliseconds until a hanging invocation ends. The code's own deadlines are cut down to `LONGEST_TIMER`. */
const PATIENCE = 2_200;
const LONGEST_TIMER = 1_500;
/** Replaces `retry_delay`, which is five minutes in production. */
const REDELIVERY_SECONDS = 1;

/** Returns the same bundles, but each write first asks the control. @param directory for the copies */
export function faultyBundles(bundles: Bundles, directory: string, controlUrl: string): Bundles {
  const typed = readFileSync(join(import.meta.dirname, "instrument.ts"), "utf8");
  const instrument = stripTypeScriptTypes(typed)
    .replaceAll(/^import .*$/gm, "")
    .replaceAll(/^export /gm, "");
  return (worker) => {
    const copy = mkdtempSync(join(directory, `${worker}-`));
    cpSync(bundles(worker), copy, { recursive: true });
    rmSync(join(copy, "index.js.map")); // its lines are not those of the copy
    const file = join(copy, "index.js");
    const bundle = readFileSync(file, "utf8");
    const settings = `{ worker: ${JSON.stringify(worker)}, controlUrl: ${JSON.stringify(controlUrl)}, Storage: FaultStorage,
      patience: ${PATIENCE}, longestTimer: ${LONGEST_TIMER}, redeliverySeconds: ${REDELIVERY_SECONDS},
      unasked: ${JSON.stringify(worker === "gateway" ? READ_CALLS : [])} }`;
    const begin = `import { AsyncLocalStorage as FaultStorage } from "node:async_hooks";
const FAULTS = (() => { ${instrument}; return instrument(${settings}); })();\n`;
    writeFileSync(
      file,
      begin +
        bundle
          .replace(/^\/\/# sourceMappingURL=.*$/m, "")
          .replace(EXPORTS, (_, list: string) => wrapped(list)),
    );
    return copy;
  };
}

function wrapped(list: string): string {
  const exported = list.split(",").flatMap((text) => {
    const [, name, as = name] = EXPORT.exec(text.trim()) ?? [];
    return name === undefined ? [] : [{ name, as }];
  });
  if (!exported.some(({ as }) => as === "default")) throw new Error("a bundle has no default export");
  const lines = exported.map(
    ({ name, as }, i) => `const FAULTY_${i} = FAULTS.${as === "default" ? "entry" : "object"}(${name});`,
  );
  return `${lines.join("\n")}\nexport { ${exported.map(({ as }, i) => `FAULTY_${i} as ${as}`).join(", ")} };`;
}
