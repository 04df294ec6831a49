import { Client } from "../../http/client.ts";
import type { Stack } from "../stack/stack.ts";

/** The stack's HTTP interface, for its operator. */
export function operatorOf({ url, secrets }: Stack): Client {
  return new Client(url, { "x-admin-secret": secrets.ADMIN_SECRET });
}
