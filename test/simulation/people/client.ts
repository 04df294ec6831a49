import { VdcClient } from "../../../shared/client/vdc-client.ts";
import type { Stack } from "../platform/stack.ts";
import { request } from "./request.ts";

/** Receives the status of each attempt; `undefined` if the client got no answer. */
type Heard = (status: number | undefined) => void;

/** Makes the product's own client. Its requests go over this world's internet. */
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

/** Adds a content-length to most bodies of bytes, as most HTTP clients do. */
function lengthOf(body: unknown, { world: { random } }: Stack): Record<string, string> {
  return body instanceof Uint8Array && random.chance(0.7) ? { "content-length": String(body.length) } : {};
}
