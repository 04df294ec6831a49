#!/usr/bin/env node
// The `vdc` command, on whatever Node stands in front.
process.argv.splice(2, 0, "cli/vdc.ts");
await import("./with-setup.mjs");
