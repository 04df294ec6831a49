import type { FaultKind } from "../world/faults.ts";
import type { World } from "../world/world.ts";
import type { People } from "./people.ts";
import { NoAnswer, request } from "./request.ts";

/** The announced length of an upload that is never sent. */
const ANNOUNCED_BYTES = 19_000_000;
/** Milliseconds between two bytes. Infinity: the sender sends no byte at all. */
const PAUSES = [Infinity, 100, 1_000, 9_000];
/** Milliseconds. It covers the pace limit for uploads and every other wait of such a request. */
const CUT_OFF_WITHIN = 20_000;
/** Milliseconds after which the sender gives up. */
const PATIENCE = 180_000;

/** While one of these faults strikes, no time limit is checked. */
const DELAYS: readonly FaultKind[] = [
  "call hangs",
  "worker dies",
  "worker broken",
  "answer late",
  "worker outlives the loss",
];

/**
 * A hostile submitter opens the upload of a large document and sends nothing of it, or a byte now and then. The deployment
 * cuts it off soon, so that such uploads can't fill the connections and the memory that honest ones need.
 */
export async function tricklesUpload({ stack, random }: People): Promise<void> {
  const { world } = stack;
  const headers = { "content-type": "application/json", "content-length": String(ANNOUNCED_BYTES) };
  const body = trickle(world, random.pick(PAUSES));
  const [began, delays] = [world.now, delaysOf(world)];
  const status = await answered(() =>
    request(stack, "/api/documents", { method: "POST", headers, body, patience: PATIENCE }),
  );
  const seconds = Math.ceil((world.now - began) / 1_000);
  if (status !== undefined && status < 400)
    world.broken("a document is kept", `an upload of a few bytes is answered ${status}`);
  if (seconds * 1_000 > CUT_OFF_WITHIN && delaysOf(world) === delays)
    world.broken("an idle upload is cut off", `it is answered ${status} after ${seconds} s`);
}

async function answered(ask: () => Promise<{ readonly status: number }>): Promise<number | undefined> {
  try {
    return (await ask()).status;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return undefined;
  }
}

function trickle(world: World, pause: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull: async (controller) => {
      if (pause === Infinity) return new Promise(() => {});
      await world.sleep(pause);
      controller.enqueue(new Uint8Array(1));
    },
  });
}

function delaysOf({ faults }: World): number {
  return DELAYS.reduce((sum, kind) => sum + (faults.get(kind) ?? 0), 0);
}
