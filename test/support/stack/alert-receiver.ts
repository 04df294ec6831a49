import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An alert, as the Worker posts it. */
export interface Alert {
  readonly alert: string;
  readonly state: "firing" | "resolved";
  readonly summary: string;
  readonly since: number;
  readonly at: number;
  readonly chainId: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An HTTP server that receives the posts to ALERT_WEBHOOK_URL. */
export interface AlertReceiver {
  readonly url: string;
  /** Accepted alerts, in order of arrival. */
  readonly taken: readonly Alert[];
  /** Alerts that the server refused while it was told to fail. */
  readonly refused: readonly Alert[];
  fail(fails: boolean): void;
  close(): Promise<void>;
}

export async function startAlertReceiver(): Promise<AlertReceiver> {
  const taken: Alert[] = [];
  const refused: Alert[] = [];
  let failing = false;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      (failing ? refused : taken).push(JSON.parse(text) as Alert);
      response.writeHead(failing ? 503 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/T0KEN`,
    taken,
    refused,
    fail: (fails) => void (failing = fails),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
