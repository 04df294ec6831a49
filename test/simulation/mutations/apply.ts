import { registerHooks } from "node:module";
import { mutationNamed } from "./all.ts";
import type { Mutation } from "./mutation.ts";

const ROOT = new URL("../../../", import.meta.url);

/**
 * From now on, a module that imports the mutation's seam gets the broken export. Call this before any module of the
 * product is loaded.
 * @returns a check to call when all modules are loaded. @throws Error when no module imported the mutation's file
 */
export function apply({ name, file, seam }: Mutation): () => void {
  const { href } = new URL(file, ROOT);
  let isLoaded = false;
  registerHooks({
    load: (url, context, next) => {
      if (url !== href) return next(url, context);
      isLoaded = true;
      return { format: "module", source: moduleWithMutation(href, name, seam), shortCircuit: true };
    },
  });
  return () => {
    if (!isLoaded) throw new Error(`mutation ${name}: no Worker loads ${file}, so ${seam} was not replaced`);
  };
}

/** The module's own export wins over an export of the same name in `export *`. */
function moduleWithMutation(href: string, name: string, seam: string): string {
  const original = JSON.stringify(`${href}?original`);
  return [
    `import * as original from ${original};`,
    `import { mutatedExport } from ${JSON.stringify(import.meta.url)};`,
    `export * from ${original};`,
    `export const ${seam} = await mutatedExport(${JSON.stringify(name)}, original);`,
  ].join("\n");
}

/**
 * @throws Error when the module has no such export. The export was renamed or moved, and the mutation must follow it.
 */
export async function mutatedExport(
  name: string,
  original: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { file, seam, mutate } = mutationNamed(name);
  if (original[seam] === undefined)
    throw new Error(
      `mutation ${name}: ${file} has no export ${seam}. Name the export that decides this now.`,
    );
  return mutate(original[seam] as never);
}
