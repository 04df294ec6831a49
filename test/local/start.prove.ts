import { beforeAll, describe, expect, it } from "vitest";
import { generateSecrets, type LocalSecrets } from "../../cli/local/stack/secrets.ts";
import { takePort } from "../support/stack/processes.ts";
import { BROKEN_SECRETS, expectNoSeed, writeSecrets } from "./broken-secrets.ts";
import { Desk, ON_REQUEST } from "./desk.ts";
import { startInVain } from "./program.ts";

describe.concurrent("npm start, where it can't", () => {
  let secrets: LocalSecrets;
  beforeAll(async () => {
    secrets = await generateSecrets();
  });

  it("says that the port is taken, and how to choose another", async (context) => {
    const { directory } = new Desk(context);
    const taken = await takePort(0);
    try {
      const { code, stderr } = await startInVain({ VDC_DATA_DIR: directory, PORT: String(taken.port) });
      expect(stderr).toContain(`vdc: port ${taken.port} is taken`);
      expect(stderr).toContain("PORT=");
      expect(stderr).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
    } finally {
      await taken.release();
    }
  });

  it("says what is wrong with PORT", async (context) => {
    const { directory } = new Desk(context);
    const { code, stderr } = await startInVain({ VDC_DATA_DIR: directory, PORT: "http" });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "vdc: PORT must be a number up to 65535, not http\n",
    });
  });

  it("leaves the data directory to the stack that runs on it", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const { code, stderr } = await startInVain({ VDC_DATA_DIR: desk.directory });
    expect(stderr).toContain(`another stack (process ${stack.program}) runs on ${desk.directory}`);
    expect(code).toBe(1);
    expect((await fetch(`${stack.url}/api/health`)).status).toBe(200);
    expect(stack.alive()).toEqual(stack.processes);
  });

  it.for(BROKEN_SECRETS)("refuses %s, and prints no seed", async ([, said, change], context) => {
    const { directory } = new Desk(context);
    writeSecrets(directory, { ...secrets, ...(await change(secrets)) });
    const { code, stdout, stderr } = await startInVain({ VDC_DATA_DIR: directory });
    expect(stderr).toMatch(/^vdc: /);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expectNoSeed(stdout + stderr, secrets);
    expect(stdout).not.toContain("VDC ready");
  });
});
