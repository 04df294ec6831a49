import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../cli/local/stack/workers.ts";

/** The part of esbuild that this file uses. Wrangler brings esbuild along, and bundles the Workers with it. */
interface Esbuild {
  build(options: object): Promise<{
    readonly outputFiles: readonly { readonly text: string; readonly contents: Uint8Array }[];
    readonly metafile: { readonly inputs: Readonly<Record<string, object>> };
  }>;
}

interface BrowserBundle {
  readonly code: string;
  /** Bytes. */
  readonly size: number;
  /** The bundled files, as paths from the root. */
  readonly inputs: readonly string[];
}

/** Bundles a module for browsers, as an app's own bundler would. @throws Error when the module needs a part of Node */
export async function bundleForBrowser(
  entry: string,
  format: "esm" | "iife" = "esm",
): Promise<BrowserBundle> {
  const { outputFiles, metafile } = await esbuild().build({
    entryPoints: [join(ROOT, entry)],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format,
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return { code: file.text, size: file.contents.length, inputs: Object.keys(metafile.inputs) };
}

function esbuild(): Esbuild {
  const ours = createRequire(import.meta.url);
  return createRequire(ours.resolve("wrangler"))("esbuild") as Esbuild;
}
