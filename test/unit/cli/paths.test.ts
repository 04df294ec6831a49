import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { callersPath } from "../../../cli/files/path.ts";
import { localDataDirectory } from "../../../cli/local/stack/data-directory.ts";
import { ROOT } from "../../../cli/local/stack/workers.ts";
import { operatorHeaders } from "../../../cli/http/operator.ts";
import type { Block } from "../../../shared/chain/block.ts";
import { generateUserKeys } from "../../../shared/client/user-keys.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { chainOf, publishing, scratch } from "./chains.ts";
import { serve } from "./server.ts";

/** Returns the variables that npm sets for a script of this project when a person calls it in `directory`. */
const calledIn = (directory: string) => ({
  npm_package_json: join(ROOT, "package.json"),
  INIT_CWD: directory,
});

describe("a path", () => {
  it("is the caller's when npm has moved to the project, whatever script runs", () => {
    expect(callersPath("x.car", calledIn("/somewhere"))).toBe("/somewhere/x.car");
    expect(callersPath("../x.car", calledIn("/somewhere/else"))).toBe("/somewhere/x.car");
    expect(callersPath("/x.car", calledIn("/somewhere"))).toBe("/x.car");
    expect(callersPath("-", calledIn("/somewhere"))).toBe("-");
  });

  it("is the caller's when the project is found by a link", () => {
    const link = join(scratch(), "vdc");
    symlinkSync(ROOT, link);
    expect(callersPath("x.car", { npm_package_json: join(link, "package.json"), INIT_CWD: "/there" })).toBe(
      "/there/x.car",
    );
  });

  it("stays as it is when a script of another project calls vdc", () => {
    const file = join(scratch(), "package.json");
    writeFileSync(file, "{}");
    expect(callersPath("x.car", { npm_package_json: file, INIT_CWD: "/there" })).toBe("x.car");
    expect(callersPath("x.car", {})).toBe("x.car");
  });

  it("is resolved where the command was called, too, when it stands in a variable", () => {
    const directory = scratch();
    writeFileSync(join(directory, "secret.txt"), "of-a-test\n");
    const target = { url: "https://vdc.example.com", isLocal: false };
    for (const [name, value] of Object.entries(calledIn(directory))) vi.stubEnv(name, value);
    expect(operatorHeaders(target, { VDC_ADMIN_SECRET_FILE: "secret.txt" })["x-admin-secret"]).toBe(
      "of-a-test",
    );
    vi.stubEnv("VDC_DATA_DIR", "data");
    expect(localDataDirectory()).toBe(join(directory, "data"));
  });

  it("is resolved where the command was called, in any option and argument", async () => {
    const directory = scratch();
    mkdirSync(join(directory, "here"));
    writeFileSync(join(directory, "here", "user.keys.json"), JSON.stringify(generateUserKeys()));
    writeFileSync(join(directory, "here", "x.car"), "no CAR file");
    const environment = calledIn(join(directory, "here"));
    expect((await vdc(["user", "show"], environment)).code).toBe(EXIT.ok);
    expect((await vdc(["verify", "x.car"], environment)).stderr).toContain(join(directory, "here", "x.car"));
  });
});

describe("-", () => {
  let chain: readonly Block[];
  beforeAll(async () => {
    chain = await chainOf(3);
  });

  it("is stdout for an export, and stdin for what reads one", async () => {
    const { url } = await serve(await publishing(chain));
    const before = readdirSync(".");
    const { code, output, stderr } = await vdc(["export", "-", "--url", url]);
    expect({ code, before: readdirSync(".") }).toEqual({ code: EXIT.ok, before });
    expect(stderr).toMatch(/^blocks +3$/m);
    const { code: verified, stdout } = await vdc(["verify", "-", "--json"], {}, output);
    expect({ verified, ...JSON.parse(stdout) }).toMatchObject({ verified: true, blocks: 3 });
    const damaged = await vdc(["verify", "-"], {}, output.slice(0, -3));
    expect(damaged.code).toBe(EXIT.unverified);
    expect(damaged.stderr).toContain("stdin is not a sound CAR file");
  });

  it("can't be the file and the report at once", async () => {
    const { url } = await serve(await publishing(chain));
    const { code, stdout } = await vdc(["export", "-", "--json", "--url", url]);
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: "" });
  });

  it("is no place for new keys, which are a secret", async () => {
    const { code, stdout } = await vdc(["user", "create", "--keys", "-", "--url", "http://127.0.0.1:1"]);
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: "" });
  });

  it("is read once: for two files it is refused", async () => {
    const keys = JSON.stringify(generateUserKeys());
    const { code, stderr } = await vdc(
      ["user", "metadata", "put", "-", "--keys", "-", "--url", "http://127.0.0.1:1"],
      {},
      keys,
    );
    expect({ code, stderr }).toEqual({
      code: EXIT.usage,
      stderr: expect.stringContaining("for one file only"),
    });
  });
});
