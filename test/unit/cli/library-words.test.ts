import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { generateUserKeys } from "../../../shared/client/user-keys.ts";
import { whyUnanswered } from "../../../shared/client/unanswered.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { scratch } from "./chains.ts";
import { serve, type Answered } from "./server.ts";

/** Words of errors from Node, undici, V8, SQLite, valibot, Commander's callers and the IPFS libraries. */
const LIBRARY =
  /CBOR|varint|Unexpected (?:token|end)|Expected never|Invalid (?:type|key|format|length|value)|SQLITE|fetch failed|\bE[A-Z]{4,}\b|is not valid JSON|JSON at position|Cannot read propert|undefined|\[object |TypeError|SyntaxError|^\s+at /m;

/** Makes a folder with one bad file of each kind. */
function badFiles() {
  const folder = scratch();
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  return {
    folder,
    missing: join(folder, "nothing"),
    inFile: join(file("plain", "x"), "below"),
    empty: file("empty", ""),
    text: file("text", "hello"),
    halfJson: file("half.json", '{"a":'),
    wrongTypes: file("wrong.json", '{"version":"1","signingSeed":7,"encryptionSeed":[]}'),
    list: file("list.json", "[1,2]"),
    bytes: file("bytes", Uint8Array.from([0xff, 0xd8, 0x00, 0x10])),
    headerOnly: file("header.car", Uint8Array.from([0x0a, 0xa1, 0x67])),
    brokenCar: file("broken.car", Uint8Array.from([0x3a, 0xa2, 0x65, 0x72, 0x6f, 0x6f, 0x74, 0x73, 0xff])),
    keys: file("user.keys.json", JSON.stringify(generateUserKeys())),
    damagedKeys: file("d.json", JSON.stringify({ ...generateUserKeys(), signingSeed: "AAAA" })),
  };
}

type Files = ReturnType<typeof badFiles>;
const NEW_OWNER = "ab".repeat(32);

const OF_FILES: Record<string, (files: Files) => string[]> = {
  "verify of a missing file": ({ missing }) => ["verify", missing],
  "verify of a folder": ({ folder }) => ["verify", folder],
  "verify below a file": ({ inFile }) => ["verify", inFile],
  "verify of an empty file": ({ empty }) => ["verify", empty],
  "verify of a text": ({ text }) => ["verify", text],
  "verify of JSON": ({ wrongTypes }) => ["verify", wrongTypes],
  "verify of half a header": ({ headerOnly }) => ["verify", headerOnly],
  "verify of a broken header": ({ brokenCar }) => ["verify", brokenCar],
  "verify with a state that is no database": ({ text, brokenCar }) => ["verify", brokenCar, "--state", text],
  "verify with a state that is a folder": ({ folder, brokenCar }) => ["verify", brokenCar, "--state", folder],
  "keys that are missing": ({ missing }) => ["user", "show", "--keys", missing],
  "keys that are a folder": ({ folder }) => ["user", "show", "--keys", folder],
  "keys that are half JSON": ({ halfJson }) => ["user", "show", "--keys", halfJson],
  "keys of wrong types": ({ wrongTypes }) => ["user", "show", "--keys", wrongTypes],
  "keys that are bytes": ({ bytes }) => ["user", "show", "--keys", bytes],
  "keys that are damaged": ({ damagedKeys }) => ["user", "show", "--keys", damagedKeys],
  "new keys where a file is a folder": ({ inFile }) => ["user", "create", "--keys", inFile],
  "a keyring that is missing": ({ missing }) => ["keys", "rotate", missing],
  "a keyring that is a folder": ({ folder }) => ["keys", "rotate", folder],
  "a keyring that is half JSON": ({ halfJson }) => ["keys", "rotate", halfJson],
  "a keyring of wrong types": ({ wrongTypes }) => ["keys", "rotate", wrongTypes],
  "a new keyring where there is no folder": ({ missing }) => ["keys", "generate", "-o", join(missing, "k")],
  "data that is half JSON": ({ keys }) => ["tx", "submit", "asset_creation", '{"a":', "--keys", keys],
  "data of wrong types": ({ keys }) => ["tx", "submit", "asset_creation", '{"assetId":7}', "--keys", keys],
  "data with a member too many": ({ keys }) => [
    "tx",
    "submit",
    "asset_creation",
    '{"assetId":"a","b":1}',
    "--keys",
    keys,
  ],
  "a private part that is a list": ({ keys, list }) => [
    "tx",
    "submit",
    "asset_creation",
    '{"assetId":"a"}',
    "--keys",
    keys,
    "--private",
    list,
  ],
  "a document that is a folder": ({ keys, folder }) => ["document", "put", folder, "--keys", keys],
  "secrets that are missing": ({ missing }) => ["secrets", "check", missing],
  "a number that is none": () => ["block", "one"],
};

describe("a person never reads a library's words", () => {
  it.for(Object.entries(OF_FILES))("about %s", async ([, args]) => {
    const { code, stdout, stderr } = await vdc([...args(badFiles()), ...urlFor(args(badFiles()))]);
    expect(code).not.toBe(EXIT.ok);
    expect(stderr).not.toBe("");
    expect(`${stdout}${stderr}`).not.toMatch(LIBRARY);
  });

  const ANSWERS: Record<string, Answered> = {
    "a web page": { body: "<html><body>Welcome</body></html>" },
    "half of its JSON": { body: '{"blockNumber":' },
    nothing: { body: "" },
    "a list": { body: [] },
    null: { body: "null" },
    "wrong types": { body: { blockNumber: "one", hash: 7, chainId: {}, txId: [] } },
    "a bare 500": { status: 500, body: "Internal Server Error" },
  };
  const CALLS: Record<string, (files: Files) => string[]> = {
    block: () => ["block", "1"],
    verify: () => ["verify"],
    export: ({ missing }) => ["export", missing],
    tx: () => ["tx", `vdc_tx_${"7".repeat(40)}`],
    transfer: ({ keys }) => ["tx", "transfer", "deed-1", NEW_OWNER, "--keys", keys],
  };
  it.for(
    Object.entries(ANSWERS).flatMap(([what, answer]) =>
      Object.entries(CALLS).map(([name, args]) => ({ what, answer, name, args })),
    ),
  )("about $what as the answer to $name", async ({ answer, args }) => {
    const { url } = await serve(() => answer);
    const { stdout, stderr } = await vdc([...args(badFiles()), "--url", url]);
    expect(`${stdout}${stderr}`).not.toMatch(LIBRARY);
  });

  it.for(["nobody at a port", "nobody of a name"])("about %s", async (who) => {
    const url = who === "nobody of a name" ? "http://vdc.example.invalid" : await leftServer();
    for (const args of [["block", "1"], ["pay"], ["user", "show", "--keys", badFiles().keys]]) {
      const environment = { STRIPE_WEBHOOK_SECRET: "whsec_x" };
      const { stdout, stderr } = await vdc(
        [...args, ...(args[0] === "user" ? [] : ["--url", url])],
        environment,
      );
      expect(`${stdout}${stderr}`).not.toMatch(LIBRARY);
      if (args[0] !== "user")
        expect(stderr).toMatch(/nothing listens there|name is not known|not be looked up/);
    }
  });
});

/** Returns the address of a server that has closed. */
async function leftServer(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return `http://127.0.0.1:${port}`;
}

/** Returns the --url option, for a command that makes requests. */
function urlFor([command, sub]: readonly string[]): string[] {
  const asks = command === "document" || (command === "tx" && sub === "submit") || sub === "create";
  return asks ? ["--url", "http://127.0.0.1:1"] : [];
}

describe("why a request has no answer", () => {
  it("is told in our words for each code, also one that is not known", () => {
    for (const code of ["ECONNREFUSED", "ENOTFOUND", "UND_ERR_SOCKET", "CERT_HAS_EXPIRED", "EWHATEVER"]) {
      const error = new TypeError("fetch failed", { cause: Object.assign(new Error("connect x"), { code }) });
      expect(whyUnanswered(error)).not.toMatch(LIBRARY);
    }
    expect(whyUnanswered(new DOMException("The operation timed out", "TimeoutError"))).toBe(
      "there was no answer in time",
    );
  });
});
