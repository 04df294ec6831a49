import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../cli/local/workers.ts";
import { startPipeline, type Pipeline } from "../support/pipeline.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ vars: { MINE_AT_COUNT: "1" } });
});
afterAll(() => pipeline.close());

/** The first program for apps in a page of the documentation. */
function exampleIn(page: string): string {
  const text = readFileSync(join(ROOT, page), "utf8");
  const programs = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, program = ""]) => program);
  return programs.find((program) => program.includes("VdcClient")) ?? "";
}

/** Runs it as it stands, but for where the deployment and our files are. */
async function run(program: string): Promise<{ code: number | null; said: string }> {
  const directory = mkdtempSync(join(tmpdir(), "vdc-example-"));
  try {
    const file = join(directory, "example.ts");
    const here = pathToFileURL(join(ROOT, "shared/")).href;
    writeFileSync(
      file,
      program.replaceAll("./shared/", here).replaceAll("https://vdc.example", pipeline.url),
    );
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

describe("the example for apps", () => {
  it("runs as docs/client.md has it", async () => {
    const { code, said } = await run(exampleIn("docs/client.md"));
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^block \d+: my last will$/m) });
  });

  it("is the same wherever the README shows it", () => {
    const shown = exampleIn("README.md");
    if (shown !== "") expect(shown).toBe(exampleIn("docs/client.md"));
  });
});
