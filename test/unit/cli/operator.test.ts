import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CommandFailure, EXIT } from "../../../cli/output/failure.ts";
import { localSecrets } from "../../../cli/local/stack/secrets.ts";
import { writeStackUrl } from "../../../cli/local/stack/data-directory.ts";
import { operatorHeaders } from "../../../cli/http/operator.ts";
import { targetOf } from "../../../cli/http/target.ts";
import { nameOfHeader } from "../../../shared/http/operator-name.ts";
import { scratch } from "./chains.ts";

const LOCAL = "http://127.0.0.1:8787";
const REMOTE = { url: "https://vdc.example.com", isLocal: false };
const NAMED = { VDC_OPERATOR: "alice" };

let directory: string;
beforeEach(async () => {
  directory = scratch();
  const dataDirectory = join(directory, "data");
  mkdirSync(dataDirectory);
  vi.stubEnv("VDC_DATA_DIR", dataDirectory);
  writeStackUrl(dataDirectory, LOCAL);
  return () => void vi.unstubAllEnvs();
});

const localSecret = async () => (await localSecrets(join(directory, "data"), {})).ADMIN_SECRET;

function refusal(work: () => unknown): CommandFailure {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(CommandFailure);
    return error as CommandFailure;
  }
  throw new Error("it was not refused");
}

function secretFile(text: string): string {
  const file = join(directory, "secret");
  writeFileSync(file, text);
  return file;
}

describe("the address", () => {
  it("is the one given, else VDC_URL, else where the local stack runs", () => {
    const environment = { VDC_URL: "https://b.example.com/" };
    expect(targetOf("https://a.example.com", environment).url).toBe("https://a.example.com");
    expect(targetOf(undefined, environment)).toEqual({ url: "https://b.example.com", isLocal: false });
    expect(targetOf(undefined, {})).toEqual({ url: LOCAL, isLocal: true });
    expect(targetOf(undefined, { VDC_URL: LOCAL })).toEqual({ url: LOCAL, isLocal: true });
  });

  it.for([
    "8787",
    "ftp://x.example.com",
    "https://x.example.com/api",
    "https://a:b@x.example.com",
    "not at all",
  ])("is not %s", (text) => {
    const { exitCode, message } = refusal(() => targetOf(undefined, { VDC_URL: text }));
    expect(exitCode).toBe(EXIT.usage);
    expect(message).toMatch(/^VDC_URL is no address/);
  });

  it("has to be said where no stack was started yet", () => {
    vi.stubEnv("VDC_DATA_DIR", join(directory, "nowhere"));
    const { exitCode, message } = refusal(() => targetOf(undefined, {}));
    expect(exitCode).toBe(EXIT.usage);
    expect(message).toMatch(/nowhere.*npm start.*--url/);
  });
});

const secretOf = (environment: NodeJS.ProcessEnv) =>
  operatorHeaders(REMOTE, { ...NAMED, ...environment })["x-admin-secret"];

describe("the operator's secret", () => {
  it("comes from VDC_ADMIN_SECRET, ADMIN_SECRET or a file, in this order", () => {
    const file = secretFile("from-a-file\n");
    const all = { VDC_ADMIN_SECRET: "first", ADMIN_SECRET: "second", VDC_ADMIN_SECRET_FILE: file };
    expect(secretOf(all)).toBe("first");
    expect(secretOf({ ...all, VDC_ADMIN_SECRET: "" })).toBe("second");
    expect(secretOf({ VDC_ADMIN_SECRET_FILE: file })).toBe("from-a-file");
  });

  it("may stand in a file of NAME=value lines", () => {
    const file = secretFile("# secrets\nADMIN_SECRET='quoted-secret'\nOTHER=x\n");
    expect(operatorHeaders(REMOTE, { VDC_ADMIN_SECRET_FILE: file })["x-admin-secret"]).toBe("quoted-secret");
  });

  it("is the local stack's own for the local stack, and for nothing else", async () => {
    const own = await localSecret();
    expect(operatorHeaders(targetOf(undefined, {}), {})["x-admin-secret"]).toBe(own);
    for (const url of ["https://vdc.example.com", "http://127.0.0.1:8788"]) {
      const { exitCode, message } = refusal(() => operatorHeaders(targetOf(url, {}), {}));
      expect(exitCode).toBe(EXIT.refused);
      expect(message).toContain("VDC_ADMIN_SECRET");
      expect(message).not.toContain(own);
    }
  });

  it("does not go over the network in clear [T24 T28]", () => {
    const secret = { VDC_ADMIN_SECRET: "s3cret-of-mine" };
    for (const url of ["http://vdc.example.com", "http://10.0.0.7:8787", "http://127.0.0.1.example.com"])
      expect(refusal(() => operatorHeaders({ url, isLocal: false }, secret)).message).toContain("https://");
    for (const url of ["https://vdc.example.com", "http://localhost:8787", "http://[::1]:8787", LOCAL])
      expect(operatorHeaders({ url, isLocal: false }, secret)["x-admin-secret"]).toBe("s3cret-of-mine");
  });

  it("is never repeated, however odd it is [T28]", () => {
    for (const odd of ["two words", "zwei\nZeilen", "größer"]) {
      const { message } = refusal(() => operatorHeaders(REMOTE, { VDC_ADMIN_SECRET: odd }));
      expect(message).not.toContain(odd.slice(0, 3));
    }
  });

  it("is refused with the file's name when its file can't be read", () => {
    const file = join(directory, "nowhere");
    const { exitCode, message } = refusal(() => operatorHeaders(REMOTE, { VDC_ADMIN_SECRET_FILE: file }));
    expect(exitCode).toBe(EXIT.refused);
    expect(message).toContain(`${file} can't be read, for there is no such file or folder`);
  });
});

const bytes = (name: string, encoding: BufferEncoding) => Buffer.from(name, encoding).toString("latin1");
const nameOf = (name: string) =>
  operatorHeaders(REMOTE, { VDC_ADMIN_SECRET: "secret", VDC_OPERATOR: name })["x-operator"];

describe("the operator's name", () => {
  it("goes along with the secret, in letters that a header can carry, and is read as it was given", () => {
    expect(nameOf("alice")).toBe("alice");
    for (const name of ["José Müller", "李雷", "Łukasz", "Søren Ößmann", "نور", "UTF-8''x", "100 %"]) {
      expect(nameOf(name)).toMatch(/^[\x20-\x7e]+$/);
      expect(nameOfHeader(nameOf(name) ?? "")).toBe(name);
    }
  });

  it("stands on one line, and is not cut within a character", () => {
    expect(nameOf("a\nb\r\nx-admin: 1")).toBe("a b x-admin: 1");
    expect(nameOf("x".repeat(300))).toHaveLength(100);
    expect(nameOfHeader(nameOf(`${"x".repeat(99)}😀`) ?? "")).toBe("x".repeat(99));
  });

  it("is read from a header of UTF-8 bytes, as a shell sends them, and of Latin-1", () => {
    for (const name of ["李雷", "Łukasz", "Søren Ößmann"])
      expect(nameOfHeader(bytes(name, "utf8"))).toBe(name);
    expect(nameOfHeader(bytes("Søren Ößmann", "latin1"))).toBe("Søren Ößmann");
    expect(nameOfHeader("李雷")).toBe("李雷"); // the runtime has decoded it
    expect(nameOfHeader("UTF-8''%E6%9D")).toBe("%E6%9D");
    expect(nameOfHeader("utf-8''%0A%E2%80%AEx")).toBe("x");
  });

  it("is that of the system's user when none is given", () => {
    expect(nameOf("")).toMatch(/^\S+$/);
  });
});
