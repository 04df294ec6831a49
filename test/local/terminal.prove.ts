import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/output/failure.ts";
import { outputs, startMinedChain, type MinedChain } from "./mined-chain.ts";
import { CTRL_D, HAS_TERMINAL, vdcAtTerminal } from "./terminal.ts";

let chain: MinedChain;
beforeAll(async () => {
  chain = await startMinedChain();
});
afterAll(() => chain.end());

describe.runIf(HAS_TERMINAL)("a command at a terminal (needs `script` of util-linux)", () => {
  it.for(outputs)("vdc $name", async ({ command, text }) => {
    const { code, screen } = await vdcAtTerminal(command(String(chain.txIds[2])), chain.environment);
    expect(stripVTControlCharacters(screen)).toMatch(text);
    for (const secret of chain.secrets) expect(screen).not.toContain(secret);
    expect(code).toBe(0);
  });

  it("keeps the progress bar out of the JSON document", async () => {
    const environment = { ...chain.environment, NO_COLOR: "1" };
    const { screen } = await vdcAtTerminal(["verify", "--json"], environment);
    const [, document = ""] = /(\{\n[^]*\n\})/.exec(stripVTControlCharacters(screen)) ?? [];
    expect(JSON.parse(document)).toMatchObject({ verified: true });
  });

  it("prints no colours when NO_COLOR is set", async () => {
    const { screen } = await vdcAtTerminal(["status"], { ...chain.environment, NO_COLOR: "1" });
    expect(screen).toMatch(/^latest block +[2-9]$/m);
    expect(screen).not.toContain("\u001b[");
  });

  it("shows a progress bar for long work", async () => {
    const { screen } = await vdcAtTerminal(["verify"], chain.environment);
    expect(screen).toMatch(/verifying \[█+\] (\d)\/\1 blocks/);
  });

  it("asks before it replaces a file, and obeys the answer", async () => {
    const file = join(chain.directory, "asked.car");
    writeFileSync(file, "precious");
    const no = await vdcAtTerminal(["export", file], chain.environment, "n\r");
    expect(no.screen).toContain("will be replaced. Go on? [y/N]");
    expect(no.code).toBe(EXIT.failure);
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect((await vdcAtTerminal(["export", file], chain.environment, "y\r")).code).toBe(0);
    expect(readFileSync(file, "utf8")).not.toBe("precious");
  });

  it("takes the end of the input for a no", async () => {
    const file = join(chain.directory, "asked.car");
    writeFileSync(file, "precious");
    expect((await vdcAtTerminal(["export", file], chain.environment, CTRL_D)).code).toBe(EXIT.failure);
    expect(readFileSync(file, "utf8")).toBe("precious");
  });
});
