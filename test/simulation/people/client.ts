import { VdcClient } from "../../../shared/client/vdc-client.ts";
import type { Stack } from "../platform/stack.ts";
import { request } from "./request.ts";

/** What came of each attempt: its status; `undefined` when no answer came. */
type Heard = (status: number | undefined) => void;

/** The product's own client, whose requests go over this world's internet. */
export function clientOf(stack: Stack, heard: Heard = () => {}): VdcClient {
  return new VdcClient("https://vdc.example", {
    fetch: async (input, { method = "GET", headers, body } = {}) => {
      const { pathname, search } = new URL(input as string);
      const asked = {
        method,
        headers: { ...(headers as Record<string, string>), ...lengthOf(body, stack) },
        ...(body && { body: body as string | Uint8Array<ArrayBuffer> }),
      };
      try {
        const { status, headers: answered, text } = await request(stack, pathname + search, asked);
        heard(status);
        return new Response(text, { status, headers: answered });
      } catch (error) {
        heard(undefined);
        throw error;
      }
    },
  });
}

/** As clients of HTTP tell it, but for those that send as they read. */
function lengthOf(body: unknown, { world: { random } }: Stack): Record<string, string> {
  return body instanceof Uint8Array && random.chance(0.7) ? { "content-length": String(body.length) } : {};
}
