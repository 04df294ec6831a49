import { it } from "vitest";
import { kill } from "../support/stack/processes.ts";
import { BY_ITSELF, Desk, expectContinued, ON_REQUEST, untilGone } from "./desk.ts";

// restart.prove.ts kills the stack in every other way.
it("npm start leaves nothing behind after kill -9, and mines the waiting payments when it is started again", async (context) => {
  const desk = new Desk(context);
  const first = await desk.start(ON_REQUEST);
  const mined = await first.payAndAdmit(1);
  await first.mine();
  const before = await first.verifiedChain();
  const waiting = await first.payAndAdmit(2);

  kill(first.program, "SIGKILL");
  await untilGone(first);

  const second = await desk.start(BY_ITSELF);
  await second.untilMined(waiting);
  await second.untilIdle();
  expectContinued(before, await second.verifiedChain(), [...mined, ...waiting]);
});
