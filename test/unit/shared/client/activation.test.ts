import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  activationToken,
  isExpired,
  readTokenMetadata,
  tokenHashOf,
  tokenMetadata,
  type TokenFacts,
} from "../../../../shared/storage/activation-tokens.ts";
import { ActivationRequest, ActivationToken, registrationOf } from "../../../../shared/api/activation.ts";
import { activationRequest } from "../../../../shared/client/activation.ts";
import { Submission } from "../../../../shared/chain/submission.ts";
import { CHAIN_ID, newUser, registration, signed } from "../../../support/users/accounts.ts";

const TX_ID = `vdc_tx_${"0a".repeat(20)}` as const;

describe("an activation token", () => {
  it("is made of 32 bytes, and known by its hash", () => {
    const token = activationToken(new Uint8Array(32));
    expect(token).toBe(`vdc_at_${"A".repeat(43)}`);
    expect(v.is(ActivationToken, token)).toBe(true);
    expect(tokenHashOf(token)).toBe("8d483d424d0b0c1e1caaa98e5ba28f028b663ac0d0ae22f560a4fcf43c083776");
    expect(() => activationToken(new Uint8Array(31))).toThrow(TypeError);
  });

  it("tells its facts as text, and anything else is not a token's", () => {
    const facts: TokenFacts[] = [{ expiresAt: 7 }, { expiresAt: 7, usedBy: TX_ID, usedAt: 6 }];
    for (const each of facts) expect(readTokenMetadata(tokenMetadata(each))).toEqual(each);
    const others: (Record<string, string> | undefined)[] = [undefined, {}, { expiresAt: "soon" }];
    for (const foreign of [...others, { expiresAt: "7", usedBy: "eve" }])
      expect(readTokenMetadata(foreign), JSON.stringify(foreign)).toBeUndefined();
  });

  it("has expired from its very last millisecond on", () => {
    expect(isExpired({ expiresAt: 1_000 }, 999)).toBe(false);
    expect(isExpired({ expiresAt: 1_000 }, 1_000)).toBe(true);
  });
});

describe("a request with a token", () => {
  it("is the same registration as one without, signed over the same bytes", async () => {
    const user = await newUser();
    const token = activationToken(new Uint8Array(32));
    const request = await activationRequest(CHAIN_ID, token, user, 1_790_000_000_000);
    expect(v.is(ActivationRequest, request)).toBe(true);
    const { signatures, ...unsigned } = registrationOf(request);
    expect(v.is(Submission, { signatures, ...unsigned })).toBe(true);
    expect(unsigned).toEqual(registration(user, 1_790_000_000_000));
    expect((await signed(user, registration(user, 1_790_000_000_000))).signatures.user.keyId).toBe(
      signatures.user.keyId,
    );
  });
});
