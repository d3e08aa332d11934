// Keeps a page up to date: asks whether something happened, and if so fetches
// the page anew and exchanges what differs. What somebody is writing stays.
"use strict";
(() => {
  const { changes, ticket } = document.currentScript.dataset;
  let { cursor } = document.currentScript.dataset;

  const exchange = (old, fresh) => {
    if (old && fresh && old.outerHTML !== fresh.outerHTML && !old.contains(document.activeElement)) {
      old.replaceWith(document.importNode(fresh, true));
    }
  };

  const refresh = async () => {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) exchange(old, page.getElementById(old.id));
    for (const list of document.querySelectorAll("[data-live-list]")) {
      for (const fresh of page.getElementById(list.id)?.children ?? []) {
        const old = document.getElementById(fresh.id);
        if (old) exchange(old, fresh);
        else list.append(document.importNode(fresh, true));
      }
    }
  };

  const look = async () => {
    try {
      if (!document.hidden) {
        const query = new URLSearchParams({ since: cursor, ticket });
        const answer = await fetch(`${changes}?${query}`);
        if (answer.ok) {
          const news = await answer.json();
          cursor = news.cursor;
          if (news.changed) await refresh();
        }
      }
    } catch {
      // The server is away for a moment; it is asked again.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
})();
