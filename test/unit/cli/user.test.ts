import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { registrationOf, type ActivationRequest } from "../../../shared/api/activation.ts";
import { payloadOfSubmission, type Submission } from "../../../shared/chain/submission.ts";
import { verifyUserSignature } from "../../../shared/chain/user-signature.ts";
import { generateUserKeys, importUserKeys } from "../../../shared/client/user-keys.ts";
import { scratch } from "./chains.ts";
import { calls, deployment, vdc } from "./in-process.ts";
import type { Answered, Served } from "./server.ts";

const CHAIN_ID = "vdc-of-a-test";
const TX = `vdc_tx_${"7".repeat(40)}`;
const taken: Answered = { status: 202, body: { txId: TX, state: "pending", statusUrl: "" } };
const WELL_KNOWN: Record<string, Answered> = { "GET /.well-known/vdc.json": { body: { chainId: CHAIN_ID } } };
const taking = (status: object = { state: "mined", blockNumber: 4, index: 1 }): Promise<Served> =>
  deployment({
    ...WELL_KNOWN,
    "POST /api/vdc/transactions": taken,
    [`GET /api/vdc/transactions/${TX}`]: { body: { txId: TX, ...status } },
  });

/** Returns the submission that was sent, and checks that its signature holds for this chain. */
async function submitted({ asked }: Served): Promise<Submission> {
  const { body } = asked.find(({ method }) => method === "POST") ?? { body: "null" };
  const submission: Submission = JSON.parse(body);
  const { transaction } = payloadOfSubmission(CHAIN_ID, submission);
  expect(await verifyUserSignature(transaction)).toBe(true);
  return submission;
}

function keysIn(directory: string, name = "alice.keys.json"): string {
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify(generateUserKeys()));
  return file;
}

describe("vdc user create", () => {
  it("writes new keys that only their owner can read, registers them, and waits until that is mined [T31 T67]", async () => {
    const stack = await taking();
    const file = join(scratch(), "alice.keys.json");
    const { code, stdout } = await vdc(stack, "user", "create", "--keys", file, "--json");
    expect(code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { data, signatures } = await submitted(stack);
    expect(JSON.parse(stdout)).toEqual({
      userId: signatures.user.keyId,
      keys: file,
      txId: TX,
      state: "mined",
      blockNumber: 4,
      index: 1,
    });
    expect(data).toMatchObject({ signingKey: { keyId: signatures.user.keyId } });
    const { signingSeed, encryptionSeed } = JSON.parse(readFileSync(file, "utf8"));
    for (const { body } of stack.asked)
      for (const seed of [signingSeed, encryptionSeed]) expect(body).not.toContain(seed);
  });

  it("replaces no file, and sends nothing then", async () => {
    const stack = await taking();
    const file = join(scratch(), "precious");
    writeFileSync(file, "precious");
    const { code, stderr } = await vdc(stack, "user", "create", "--keys", file);
    expect(code).toBe(EXIT.refused);
    expect(stderr).toContain("vdc user register");
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(stack.asked).toEqual([]);
  });

  it("keeps the keys when the deployment can't be reached, so that they can be registered later", async () => {
    const file = join(scratch(), "alice.keys.json");
    const away = await deployment({
      "GET /.well-known/vdc.json": { status: 503, problem: "not-configured" },
    });
    expect((await vdc(away, "user", "create", "--keys", file)).code).toBe(EXIT.unknown);
    expect(existsSync(file)).toBe(true);
    const stack = await taking();
    expect((await vdc(stack, "user", "register", "--keys", file, "--no-wait")).code).toBe(0);
    expect((await submitted(stack)).type).toBe("user_registration");
    expect(calls(stack)).toEqual(["GET /.well-known/vdc.json", "POST /api/vdc/transactions"]);
  });

  it("says why keys can't be registered", async () => {
    const stack = await taking({ state: "set_aside", reason: "user_exists" });
    const file = keysIn(scratch());
    const { code, stdout, stderr } = await vdc(stack, "user", "register", "--keys", file);
    expect({ code, stdout }).toMatchObject({
      code: EXIT.refused,
      stdout: expect.stringMatching(/^state +set_aside/m),
    });
    expect(stderr).toContain("user_exists");
  });
});

describe("vdc user show", () => {
  it("tells what others may know, and nothing else of the file", async () => {
    const file = keysIn(scratch());
    const { userId, signingKey, encryptionKey } = await importUserKeys(
      JSON.parse(readFileSync(file, "utf8")),
    );
    const { code, stdout } = await vdc(undefined, "user", "show", "--keys", file, "--json");
    expect({ code, shown: JSON.parse(stdout) }).toEqual({
      code: 0,
      shown: { userId, signingKey, encryptionKey },
    });
  });
});

const activating = () =>
  deployment({
    ...WELL_KNOWN,
    "POST /api/activation": {
      status: 202,
      body: { txId: TX, userId: "", state: "pending", statusUrl: "" },
    },
    [`GET /api/vdc/transactions/${TX}`]: { body: { txId: TX, state: "mined", blockNumber: 4, index: 1 } },
  });

describe("vdc user create --activation", () => {
  const TOKEN = `vdc_at_${"t".repeat(42)}A`;

  it("registers with the token in the file, which no output repeats", async () => {
    const stack = await activating();
    const directory = scratch();
    const [keys, token] = [join(directory, "alice.keys.json"), join(directory, "token.txt")];
    writeFileSync(token, `${TOKEN}\n`);
    const { code, stdout, stderr } = await vdc(
      stack,
      "user",
      "create",
      "--keys",
      keys,
      "--activation",
      token,
    );
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(TOKEN);
    const { body } = stack.asked.find(({ method }) => method === "POST") ?? { body: "null" };
    const request: ActivationRequest = JSON.parse(body);
    expect(request.token).toBe(TOKEN);
    const { transaction } = payloadOfSubmission(CHAIN_ID, registrationOf(request));
    expect(await verifyUserSignature(transaction)).toBe(true);
  });

  it("makes no keys and sends nothing when the file holds no token", async () => {
    const stack = await activating();
    const directory = scratch();
    const [keys, token] = [join(directory, "alice.keys.json"), join(directory, "token.txt")];
    writeFileSync(token, "vdc_at_hush");
    const { code, stderr } = await vdc(stack, "user", "create", "--keys", keys, "--activation", token);
    expect(code).toBe(EXIT.usage);
    expect(stderr).not.toContain("hush");
    expect(existsSync(keys)).toBe(false);
    expect(stack.asked).toEqual([]);
  });
});

describe("vdc user metadata", () => {
  it("puts what only its user opens, above the version that is kept, and gets it back", async () => {
    const directory = scratch();
    const keys = keysIn(directory);
    const { userId } = await importUserKeys(JSON.parse(readFileSync(keys, "utf8")));
    const about = join(directory, "about.json");
    writeFileSync(about, '{"name":"Ada L."}');
    const call = `/api/users/${userId}/metadata`;
    const empty = await deployment({
      ...WELL_KNOWN,
      // The deployment shows an older version than it holds. The answer says so, and the command puts the next version.
      [`PUT ${call}`]: [
        { status: 409, body: { type: "urn:vdc:problem:stale-version", title: "t", detail: "d", version: 6 } },
        { body: { userId, version: 7 } },
      ],
    });
    const put = await vdc(empty, "user", "metadata", "put", about, "--keys", keys);
    expect(put).toMatchObject({ code: 0, stdout: "kept as version 7\n" });
    const records = empty.asked.filter(({ method }) => method === "PUT").map(({ body }) => JSON.parse(body));
    expect(records.map(({ version }) => version)).toEqual([1, 7]);
    expect(JSON.stringify(records)).not.toContain("Ada L.");

    const stack = await deployment({ ...WELL_KNOWN, [`GET ${call}`]: { body: records[1] } });
    const got = await vdc(stack, "user", "metadata", "get", "--keys", keys, "--json");
    expect(JSON.parse(got.stdout)).toEqual({ version: 7, metadata: { name: "Ada L." } });
    const lying = await deployment({
      ...WELL_KNOWN,
      [`GET ${call}`]: { body: { ...records[1], version: 8 } },
    });
    expect((await vdc(lying, "user", "metadata", "get", "--keys", keys)).code).toBe(EXIT.unverified);
  });
});

describe("a file of keys", () => {
  it("is refused when it is none, or is damaged, in words that hold nothing of it", async () => {
    const stack = await taking();
    const file = join(scratch(), "keys");
    const good = generateUserKeys();
    for (const text of [
      "hush",
      JSON.stringify({ ...good, v: 2 }),
      JSON.stringify({ ...good, signingSeed: `${"A".repeat(42)}B` }),
    ]) {
      writeFileSync(file, text);
      const { code, stdout, stderr } = await vdc(
        stack,
        "tx",
        "transfer",
        "deed-1",
        "0".repeat(64),
        "--keys",
        file,
      );
      expect(code).toBe(EXIT.usage);
      for (const hidden of ["hush", good.encryptionSeed]) expect(stdout + stderr).not.toContain(hidden);
    }
    expect((await vdc(stack, "user", "register", "--keys", `${file}-not`)).code).toBe(EXIT.notFound);
    expect(stack.asked).toEqual([]);
  });
});

describe("vdc tx", () => {
  it("signs and submits what it is given, and the private part only sealed to the system", async () => {
    const stack = await taking();
    const directory = scratch();
    const hidden = join(directory, "private.json");
    writeFileSync(hidden, '{"price":"1 euro"}');
    const args = ["tx", "submit", "asset_creation", '{"assetId":"deed-1"}', "--private", hidden];
    expect((await vdc(stack, ...args, "--keys", keysIn(directory))).code).toBe(0);
    expect(await submitted(stack)).toMatchObject({
      type: "asset_creation",
      data: { assetId: "deed-1" },
      private: { part: { price: "1 euro" }, salt: expect.stringMatching(/^[\w-]{43}$/) },
    });
  });

  it("transfers an asset", async () => {
    const stack = await taking();
    const newOwner = "ab".repeat(32);
    const { code } = await vdc(stack, "tx", "transfer", "deed-1", newOwner, "--keys", keysIn(scratch()));
    expect(code).toBe(0);
    expect(await submitted(stack)).toMatchObject({
      type: "asset_transfer",
      data: { assetId: "deed-1", newOwnerKeyId: newOwner },
    });
  });

  it("signs no transfer of an asset without an owner, and says what can be transferred instead", async () => {
    const stack = await deployment({
      "GET /api/vdc/assets/deed-1": { body: { assetId: "deed-1", vdcBlockNumber: 1 } },
    });
    const args = ["tx", "transfer", "deed-1", "ab".repeat(32), "--keys", keysIn(scratch())];
    const { code, stderr } = await vdc(stack, ...args);
    expect({ code, stderr }).toEqual({
      code: EXIT.refused,
      stderr: expect.stringMatching(/no owner.*payment created it.*tx submit asset_creation/),
    });
    expect(calls(stack)).toEqual(["GET /api/vdc/assets/deed-1"]);
  });

  it("refuses what no chain would take, and names the member, before anything is sent", async () => {
    const stack = await taking();
    const file = keysIn(scratch());
    const { code, stderr } = await vdc(
      stack,
      "tx",
      "submit",
      "asset_creation",
      '{"assetId":"a b"}',
      "--keys",
      file,
    );
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain("data.assetId");
    expect(stack.asked).toEqual([]);
  });

  it("still shows a transaction when it is given nothing but an id", async () => {
    const stack = await taking({ state: "pending" });
    const { code, stdout } = await vdc(stack, "tx", TX);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^state +pending$/m) });
  });

  it("says how to pay for what waits for its payment", async () => {
    const stack = await deployment({
      ...WELL_KNOWN,
      "POST /api/vdc/transactions": {
        status: 202,
        body: { txId: TX, state: "awaiting_payment", statusUrl: "" },
      },
    });
    const args = ["tx", "transfer", "deed-1", "ab".repeat(32), "--keys", keysIn(scratch()), "--no-wait"];
    const { code, stderr } = await vdc(stack, ...args);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`client_reference_id is ${TX}`),
    });
  });

  it("gives up when its time is over, and says that it goes on", async () => {
    const stack = await taking({ state: "pending" });
    const newOwner = "ab".repeat(32);
    const args = ["tx", "transfer", "deed-1", newOwner, "--keys", keysIn(scratch()), "--timeout", "1"];
    const { code, stderr } = await vdc(stack, ...args);
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain("It goes on");
  });
});
