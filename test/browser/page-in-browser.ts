import { visit } from "./page.ts";

declare const location: { readonly href: string };
declare const document: { title: string };

const given = new URL(location.href).searchParams;
await visit(given.get("deployment") ?? "", given.get("token") ?? "", async (report) => {
  document.title = report.error === undefined ? "done" : "failed";
  await fetch("/report", { method: "POST", body: JSON.stringify(report) });
});
