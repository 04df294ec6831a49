import { clearFaults, reportFaults, setFault } from "./control.ts";
import type { Fault, FaultSwitch, PinningRouteName } from "./faults.ts";
import { deleteFile, getFile, listFiles, pinByCid } from "./files.ts";
import { serveFile } from "./gateway.ts";
import type { PinStore } from "./store.ts";
import { uploadFile } from "./upload.ts";

/** A request for a handler. `param` is the last part of the path, if the route has one. */
export interface PinningRequest {
  url: URL;
  headers: Headers;
  param: string;
  body: Uint8Array<ArrayBuffer>;
  store: PinStore;
  faults: FaultSwitch;
  fault?: Fault | undefined;
}

export interface PinningRoute {
  name: PinningRouteName | "control";
  method: "GET" | "POST" | "DELETE";
  path: RegExp;
  handle: (call: PinningRequest) => Response | Promise<Response>;
}

const ROUTES: readonly PinningRoute[] = [
  { name: "upload", method: "POST", path: /^\/v3\/files$/, handle: uploadFile },
  { name: "list", method: "GET", path: /^\/v3\/files\/public$/, handle: listFiles },
  { name: "pin_by_cid", method: "POST", path: /^\/v3\/files\/public\/pin_by_cid$/, handle: pinByCid },
  { name: "get", method: "GET", path: /^\/v3\/files\/public\/([^/]+)$/, handle: getFile },
  { name: "delete", method: "DELETE", path: /^\/v3\/files\/public\/([^/]+)$/, handle: deleteFile },
  { name: "auth", method: "GET", path: /^\/v3\/data\/testAuthentication$/, handle: testAuthentication },
  { name: "gateway", method: "GET", path: /^\/ipfs\/([^/]+)$/, handle: serveFile },
  { name: "control", method: "GET", path: /^\/__faults$/, handle: reportFaults },
  { name: "control", method: "POST", path: /^\/__faults$/, handle: setFault },
  { name: "control", method: "DELETE", path: /^\/__faults$/, handle: clearFaults },
];

export function match(method: string, pathname: string): { route: PinningRoute; param: string } | undefined {
  for (const route of ROUTES) {
    if (route.method !== (method === "HEAD" ? "GET" : method)) continue;
    const parts = route.path.exec(pathname);
    if (parts !== null) return { route, param: parts[1] ?? "" };
  }
  return undefined;
}

function testAuthentication(): Response {
  return Response.json({ message: "Congratulations! You are communicating with the Pinata API!" });
}
