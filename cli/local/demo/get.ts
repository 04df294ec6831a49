import type { Stack } from "../stack/stack.ts";
import { expectThat } from "./story.ts";

/** Makes an operator's call. @throws DemoFailure unless it answers 200 */
export async function get(stack: Stack, path: string, method = "GET"): Promise<Record<string, unknown>> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { "x-admin-secret": stack.secrets.ADMIN_SECRET },
  });
  expectThat(
    response.status === 200,
    `${method} ${path} answered ${response.status}: ${await response.clone().text()}`,
  );
  return response.json();
}
