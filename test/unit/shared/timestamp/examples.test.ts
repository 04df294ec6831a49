import { describe, expect, it } from "vitest";
import { fromBase64url, fromHex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { verifyTimestamp } from "../../../../shared/timestamp/verify-timestamp.ts";
import { EXAMPLES } from "../../../support/timestamps/examples.ts";
import { verdictOn } from "../../../support/timestamps/stamps.ts";

describe("a stamp that openssl made in 2026", () => {
  const data = utf8(EXAMPLES.data);

  it.for(EXAMPLES.stamps)("verifies for ever: $name", async ({ name, response, issuers }) => {
    const verified = await verifyTimestamp({
      response: fromBase64url(response),
      data,
      nonce: fromHex(EXAMPLES.nonce),
      issuers,
    });
    expect(verified).toMatchObject({ authority: `C=CH, CN=authority ${name}`, policy: "1.2.3.4.1" });
    expect(new Date(verified.time).toISOString()).toMatch(/^2026-12-01T/);
  });

  it.for(EXAMPLES.stamps)("is refused with another signature: $name", async ({ response, issuers }) => {
    const bytes = fromBase64url(response);
    const altered = bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
    expect(await verdictOn({ response: altered, data, issuers })).toBe("wrong_signature");
  });
});
