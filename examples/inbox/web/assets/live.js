// Keeps a page up to date: asks whether something happened, and if so fetches
// the page anew and exchanges what differs. What somebody is writing stays.
"use strict";
(() => {
  const { changes, ticket } = document.currentScript.dataset;
  let { cursor } = document.currentScript.dataset;

  // What the script itself changed is no difference.
  const plain = (element) => element.outerHTML.replaceAll(/ style="[^"]*"/g, "").replaceAll(' open=""', "");

  const exchange = (old, fresh) => {
    if (old && fresh && plain(old) !== plain(fresh) && !old.contains(document.activeElement)) {
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

  // A mail's frame gets the room that the mail needs, within reason.
  const fit = (frame) => {
    const body = frame.contentDocument?.body;
    if (body?.childNodes.length) frame.style.height = `${Math.min(body.scrollHeight + 18, 900)}px`;
  };
  document.addEventListener("load", (event) => {
    if (event.target instanceof HTMLIFrameElement) fit(event.target);
  }, true);
  document.querySelectorAll("iframe").forEach(fit);
})();
