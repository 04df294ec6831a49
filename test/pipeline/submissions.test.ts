import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { base64url } from "../../shared/crypto/bytes.ts";
import type { Json } from "../../shared/crypto/canonical.ts";
import {
  creation,
  newUser,
  postSubmission,
  registration,
  signed,
  submitSigned,
} from "../support/users/accounts.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline.close());

const statusOf = async (txId: string) => {
  const response = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
  return response.json<{ state: string; blockNumber?: number }>();
};

describe("a signed submission", () => {
  it("is mined with its user's signature, once, however often it is sent [T11 T39]", async () => {
    const user = await newUser();
    const submission = await signed(user, creation("will-1"));
    const txId = await submitSigned(pipeline, submission);
    expect(await submitSigned(pipeline, submission)).toBe(txId);
    await until(async () => expect((await statusOf(txId)).state).toBe("pending"));
    await mine(pipeline);
    const again = await postSubmission(pipeline, submission);
    expect([again.status, await again.json()]).toMatchObject([202, { txId, state: "mined" }]);
    const [block] = (await checkChain(pipeline)).slice(-1);
    expect(block?.transactions).toMatchObject([{ id: txId, signatures: submission.signatures }]);
  });

  it("is mined whatever its private part says that is JSON", async () => {
    const odd = `{"":[{},[],null,true],"10":-0,"9":1e21,"n":[5e-324,0.1,9007199254740993],"é\\u2028\\u0000":"\\ud83d\\ude00",
      "nested":{"__proto__":{"a":1},"constructor":{"prototype":[]},"toJSON":"no function","then":1,"deep":${"[".repeat(24)}${"]".repeat(24)}}}`;
    const hidden = { salt: base64url(new Uint8Array(32)), part: JSON.parse(odd) as Record<string, Json> };
    const submission = await signed(await newUser(), { ...creation("will-odd"), private: hidden });
    const body = JSON.stringify(submission).replace(JSON.stringify(hidden.part), odd);
    expect(body).toContain("-0");
    const answer = await pipeline.fetch("/api/vdc/transactions", { method: "POST", body });
    expect(answer.status).toBe(202);
    const { txId } = await answer.json<{ txId: string }>();
    await until(async () => expect((await statusOf(txId)).state).toBe("pending"));
    await mine(pipeline);
    expect(await statusOf(txId)).toMatchObject({ state: "mined" });
  });

  it("is refused when anything of it was changed after it was signed [T10]", async () => {
    const submission = await signed(await newUser(), creation("will-2"));
    const answer = await postSubmission(pipeline, { ...submission, data: { assetId: "will-3" } });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { type: "urn:vdc:problem:invalid-user-signature" },
    ]);
  });

  it("is refused when its time is not about now [T11]", async () => {
    const submission = await signed(await newUser(), creation("will-4", Date.now() - 86_400_000));
    const answer = await postSubmission(pipeline, submission);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { type: "urn:vdc:problem:timestamp-outside-window", windowSeconds: 900 },
    ]);
  });

  it("is refused when it registers another key than the one that signs it: no block could take it [T10]", async () => {
    const [user, another] = [await newUser(), await newUser()];
    const answer = await postSubmission(pipeline, await signed(another, registration(user)));
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { type: "urn:vdc:problem:invalid-user-signature" },
    ]);
  });

  it.for([
    ["a card's number", { assetId: "deed-4242-4242-4242-4242" }],
    ["an id of Stripe", { assetId: "cus_Qx7personal42" }],
    ["what the private part holds", { assetId: "deed-17", documentType: "ada_king" }],
  ] as const)("is refused when it would make public %s, and says where", async ([, data]) => {
    const hidden = { salt: "A".repeat(43), part: { name: "Ada King" } };
    const unsigned = { type: "asset_creation", timestamp: Date.now(), data, private: hidden } as const;
    const answer = await postSubmission(pipeline, await signed(await newUser(), unsigned));
    const text = await answer.text();
    expect([answer.status, JSON.parse(text)]).toMatchObject([
      400,
      {
        type: "urn:vdc:problem:personal-data",
        member: `data.${"documentType" in data ? "documentType" : "assetId"}`,
      },
    ]);
    for (const personal of ["4242-4242", "cus_", "ada_king"]) expect(text).not.toContain(personal);
  });
});

describe("a body that could never be made canonical", () => {
  it.for([
    ["a lone surrogate", (private_: object) => JSON.stringify(private_).replace('"note"', '"\\ud800"')],
    [
      "a nesting without end",
      (private_: object) =>
        JSON.stringify(private_).replace('"note"', `${"[".repeat(50_000)}${"]".repeat(50_000)}`),
    ],
    ["a number beyond all", (private_: object) => JSON.stringify(private_).replace('"note"', "1e400")],
  ] as const)("is refused for %s, and is no failure of ours", async ([, spoilt]) => {
    const submission = await signed(await newUser(), creation("will-5"));
    const salt = base64url(new Uint8Array(32));
    const body = spoilt({ ...submission, private: { salt, part: { text: "note" } } });
    const answer = await pipeline.fetch("/api/vdc/transactions", { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { type: "urn:vdc:problem:invalid-body" },
    ]);
  });
});
