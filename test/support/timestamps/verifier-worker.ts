import { fromBase64url, utf8 } from "../../../shared/crypto/bytes.ts";
import { InvalidTimestamp } from "../../../shared/timestamp/invalid-timestamp.ts";
import { verifyTimestamp } from "../../../shared/timestamp/verify-timestamp.ts";

export interface VerifierQuestion {
  readonly response: string;
  readonly data: string;
  readonly issuers: string;
}

/** A Worker that verifies the time stamp in a request's body. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { response, data, issuers } = await request.json<VerifierQuestion>();
    try {
      return Response.json(
        await verifyTimestamp({ response: fromBase64url(response), data: utf8(data), issuers }),
      );
    } catch (error) {
      if (error instanceof InvalidTimestamp) return Response.json({ reason: error.reason });
      throw error;
    }
  },
};
