// Parts of a page that keep themselves fresh: those with `data-live` are taken again from the same address, together,
// every few seconds. A hidden page asks for nothing, and a part that somebody is using is left alone.
const EVERY_MS = 5000;

function inUse(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { redirect: "error" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next && next.outerHTML !== part.outerHTML && !inUse(part)) part.replaceWith(document.adoptNode(next));
  }
}

async function keepFresh() {
  try {
    await refresh();
  } catch {
    // Offline, or signed out: the page stays as it is, and says how old it is.
  }
  setTimeout(keepFresh, EVERY_MS);
}

setTimeout(keepFresh, EVERY_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });
