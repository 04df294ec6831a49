import { writeFileSync } from "node:fs";
import { it } from "vitest";
import { World } from "./world.ts";
import { FLOWS } from "./flows/all.ts";
import { isRead } from "./writes.ts";
it("tries", async () => {
  const t0 = Date.now();
  const lap = (...w: unknown[]) => console.log(((Date.now() - t0) / 1000).toFixed(1), ...w);
  let world = await World.start();
  const known = new Set<string>();
  const listed: Record<string, string[]> = {};
  for (const flow of FLOWS.filter((f) => !process.env.ONLY || f.name.includes(process.env.ONLY))) {
    world.control.disarm();
    const from = world.control.seen.length;
    for (const o of flow.prepare ?? []) world.control.arm(o);
    try {
      await flow.run(world);
      await world.settle();
      lap(flow.name, "ok");
    } catch (e) {
      lap(flow.name, String(e).slice(0, 1500), world.trace().split("\n").slice(-14).join("\n"));
      await world.close();
      world = await World.start();
    }
    const names = new Set(world.control.seen.slice(from).map((s) => s.name));
    listed[flow.name] = [...names].filter((n) => !isRead(n) && !known.has(n));
    for (const n of names) known.add(n);
  }
  writeFileSync("/tmp/listed.json", JSON.stringify(listed, null, 2));
  await world.close();
}, 3_000_000);
