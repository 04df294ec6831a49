import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../cli/local/stack/workers.ts";

/** Returns the first TypeScript program on a page of the documentation. */
export function exampleIn(page: string): string {
  const text = readFileSync(join(ROOT, page), "utf8");
  const programs = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, program = ""]) => program);
  return programs.find((program) => program.includes("VdcClient")) ?? "";
}

/** Runs the program unchanged, apart from the address of the deployment and the paths of our files. */
export async function run(
  program: string,
  deployment: string,
): Promise<{ code: number | null; said: string }> {
  const directory = mkdtempSync(join(tmpdir(), "vdc-example-"));
  try {
    const file = join(directory, "example.ts");
    const here = pathToFileURL(join(ROOT, "shared/")).href;
    writeFileSync(file, program.replaceAll("./shared/", here).replaceAll("https://vdc.example", deployment));
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => (said += data.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    return { code, said };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
