import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { exactJson, InexactJson } from "../../../cli/files/exact-json.ts";
import { jsonObjectOf } from "../../../cli/files/read.ts";
import { NoText, textOf } from "../../../cli/files/text.ts";
import { readSecrets, secretsFile } from "../../../cli/local/stack/data-directory.ts";
import { generateSecrets } from "../../../cli/local/stack/secrets.ts";
import { operatorHeaders } from "../../../cli/http/operator.ts";
import { generateUserKeys } from "../../../shared/client/user-keys.ts";
import { generateKeyring } from "../../../shared/crypto/keyring.ts";
import { scratch } from "./chains.ts";
import { deployment, vdc } from "./in-process.ts";

const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();

/** Forms in which editors and shells save the same text. */
const SAVED: [how: string, bytes: (text: string) => Buffer][] = [
  ["UTF-8", (text) => Buffer.from(text)],
  ["UTF-8 with a byte order mark", (text) => Buffer.from(`\uFEFF${text}`)],
  ["UTF-16LE, as PowerShell's > writes it", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["UTF-16BE", (text) => utf16be(`\uFEFF${text}`)],
];

describe.each(SAVED)("a file that was saved as %s", (_, saved) => {
  function file(text: string): string {
    const path = join(scratch(), "saved");
    writeFileSync(path, saved(text.replaceAll("\n", "\r\n")));
    return path;
  }

  it("is read as a user's keys", async () => {
    const { code } = await vdc(
      undefined,
      "user",
      "show",
      "--keys",
      file(`${JSON.stringify(generateUserKeys())}\n`),
    );
    expect(code).toBe(EXIT.ok);
  });

  it("is read as the system's keys: as lines, as JSON, and alone", async () => {
    const keyring = await generateKeyring();
    for (const text of [
      `SYSTEM_KEYRING='${keyring}'\nSYSTEM_ENCRYPTION_PUBLIC_KEY='x'\n`,
      JSON.stringify({ SYSTEM_KEYRING: keyring, SYSTEM_ENCRYPTION_PUBLIC_KEY: "x" }),
      `${keyring}\n`,
    ])
      expect((await vdc(undefined, "keys", "rotate", file(text))).code).toBe(EXIT.ok);
  });

  it("is read as the operator's secret: as a line, as JSON, and alone", () => {
    const target = { url: "https://vdc.example.com", isLocal: false };
    for (const text of ["ADMIN_SECRET=of-a-test\n", '{ "ADMIN_SECRET": "of-a-test" }', "of-a-test\n"])
      expect(operatorHeaders(target, { VDC_ADMIN_SECRET_FILE: file(text) })["x-admin-secret"]).toBe(
        "of-a-test",
      );
  });

  it("is read as the local stack's secrets", async () => {
    const directory = scratch();
    const secrets = await generateSecrets();
    const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'\r\n`);
    writeFileSync(secretsFile(directory), saved(lines.join("")));
    expect(readSecrets(directory)).toEqual(secrets);
  });

  it("is read as JSON that is to be encrypted", async () => {
    const stack = await deployment({
      "POST /api/activation-tokens": { body: { token: "t", tokenHash: "h", expiresAt: 1 } },
    });
    const path = file('{ "for": "李雷" }\n');
    expect((await vdc(stack, "activation", "issue", "--private", path)).code).toBe(EXIT.ok);
    expect(JSON.parse(stack.asked[0]?.body ?? "")).toMatchObject({ private: { for: "李雷" } });
  });

  it("is read as an activation token", async () => {
    const path = file(`vdc_at_${"A".repeat(43)}\n`);
    const keys = join(scratch(), "new.keys.json");
    const stack = await deployment({});
    const { stderr } = await vdc(stack, "user", "create", "--activation", path, "--keys", keys);
    expect(stderr).not.toContain("holds no activation token");
  });
});

describe("a file that is no text", () => {
  it("is refused with the reason, and without advice that costs keys", async () => {
    const path = join(scratch(), "alice.keys.json");
    writeFileSync(path, Buffer.from(JSON.stringify(generateUserKeys()), "utf16le"));
    const { code, stderr } = await vdc(undefined, "user", "show", "--keys", path);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toMatch(/UTF-16 without a byte order mark/);
    expect(stderr).not.toContain("user create");
  });

  it.for([
    ["not UTF-8", [0x41, 0xff, 0x42]],
    ["UTF-16 that is cut", [0xff, 0xfe, 0x41]],
    ["zero bytes", [0x41, 0x00]],
  ] as const)("is told from text: %s", ([, bytes]) => {
    expect(() => textOf(Uint8Array.from(bytes))).toThrow(NoText);
  });

  it("is not JSON when it was cut off, and that is said", async () => {
    const path = join(scratch(), "alice.keys.json");
    writeFileSync(path, JSON.stringify(generateUserKeys()).slice(0, -5));
    const { code, stderr } = await vdc(undefined, "user", "show", "--keys", path);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toMatch(/is not JSON: restore the file from its backup/);
    expect(stderr).not.toContain("user create");
  });
});

describe("JSON that is to be signed", () => {
  it.for([
    '{"account":12345678901234567890}',
    '{"rate":0.12345678901234567890}',
    '{"a":9007199254740993}',
    '{"a":1e400}',
    '{"a":-1e400}',
    '{"a":1e-400}',
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":"\\ud83d"}',
    '{"\\ud83d":1}',
  ])("is refused when it can't be signed exactly: %s", (text) => {
    expect(() => exactJson(text)).toThrow(InexactJson);
  });

  it("is refused with its place", () => {
    const text = '{\n  "invoice": {\n    "lines": [{ "no": 1 }, { "no": 12345678901234567890 }]\n  }\n}';
    expect(() => exactJson(text)).toThrow(/^invoice\.lines\[1\]\.no \(line 3, column 36\): JSON's numbers/);
    expect(() => exactJson('{"a": 1, "a": 2}')).toThrow(/^a \(line 1, column 10\): this name stands twice/);
    expect(() => exactJson('{"a": tru}')).toThrow(/^a \(line 1, column 7\): it is not JSON here/);
    expect(() => exactJson("{} {}")).toThrow(/^line 1, column 4: nothing may follow/);
  });

  it("is refused without its values", () => {
    for (const text of ['{"a":12345678901234567890}', '{"a": secret}', '{"a":"secret\u0001"}'])
      expect(() => exactJson(text)).toThrow(/^a \(line 1, column \d+\): (?!.*(?:1234|secret))/);
  });

  it.for([
    "{}",
    ' { "a" : [ 1 , -0 , 1.0 , 1e3 , 0.1 , 1.50e-7 , 100000000000000000000 ] } ',
    '{"__proto__":{"b":null},"c":"😀\\ud83d\\ude00","d":[true,false]}',
    "[]",
    '"a"',
  ])("is read as JSON.parse reads it when it is exact: %s", (text) => {
    expect(exactJson(text)).toEqual(JSON.parse(text));
  });

  it("is an object where one is needed", () => {
    for (const text of ["[]", "1", "null", '"a"'])
      expect(() => jsonObjectOf(text)).toThrow(/must be a JSON object/);
  });

  it("is refused before anything is sent, from an argument, a file and stdin", async () => {
    const stack = await deployment({});
    const directory = scratch();
    const [keys, part] = [join(directory, "keys"), join(directory, "part.json")];
    writeFileSync(keys, JSON.stringify(generateUserKeys()));
    writeFileSync(part, '{"a":1,"a":2}');
    const submit = ["tx", "submit", "asset_creation"];
    for (const args of [
      [...submit, '{"assetId":"d-1","n":1e400}', "--keys", keys],
      [...submit, '{"assetId":"d-1"}', "--keys", keys, "--private", part],
      ["user", "metadata", "put", part, "--keys", keys],
      ["activation", "issue", "--private", part],
    ]) {
      const { code, stderr } = await vdc(stack, ...args);
      expect(code).toBe(EXIT.usage);
      expect(stderr).toMatch(/\(line 1, column \d+\)/);
    }
    expect(stack.asked).toEqual([]);
  });
});
