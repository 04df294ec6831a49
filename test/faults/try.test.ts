import { it } from "vitest";
import { World } from "./world.ts";
import { checkChain } from "../support/check-chain.ts";
import { FAULTS } from "./fault.ts";
it("tries", async () => {
  const t0=Date.now(); const lap=(w:string)=>console.log(w, Date.now()-t0);
  const world = await World.start();
  lap("started");
  try {
  await world.pay(); await world.settle(); lap("settled");
  for (const write of (process.env.WRITES ?? "tier-persister (queue): R2 put blocks/{n}.json").split(","))
  for (const happens of FAULTS) { 
    world.control.arm({write, happens});
    const t=Date.now();
    await world.pay(); 
    while(!world.control.isDone(write)) { await new Promise(r=>setTimeout(r,50)); if (Date.now()-t>20000) throw new Error("not hit "+write); }
    const at = world.control.seen.length;
    await world.verify(); 
    await world.pay();
    await world.settle(); console.log(write,happens, Date.now()-t);
  }
  const t=Date.now(); console.log((await checkChain(world.pipeline)).length, Date.now()-t);
  } catch(e) { console.log(world.control.seen.slice(-80).map(s=>s.invocation+" "+s.name+(s.delivery?` #${s.delivery}`:"")+" "+s.happened).join("\n"));
  console.log(world.pipeline.harness.getLogs().map(l=>l.message.slice(0,300)).filter(m=>/error|warn/i.test(m)).slice(-20).join("\n"));
  throw e;
  } finally {
  await world.close(); }
}, 300000);
