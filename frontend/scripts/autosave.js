// Saves what is typed a moment after typing stops, and when the page is left. The server keeps the draft encrypted;
// nothing is written to the browser's own storage. Files are sent only with the form itself.
const PAUSE = 1500;
const RETRY = 15000;

export function saveDrafts(form) {
  const status = form.querySelector("[data-draft-status]");
  let timer = 0;
  let sent = snapshot(form);
  let busy = false;
  let leaving = false;

  const say = (text, state) => {
    if (!status) return;
    status.textContent = text;
    status.dataset.state = state;
  };

  const later = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  async function save(keepalive = false) {
    clearTimeout(timer);
    const now = snapshot(form);
    if (now === sent || (busy && !keepalive)) return;
    busy = true;
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "PUT",
        body: new URLSearchParams(now),
        headers: { "X-CSRFToken": form.elements.csrf_token.value },
        credentials: "same-origin",
        redirect: "error",
        keepalive,
      });
      if (answer.ok) {
        sent = now;
        say((await answer.json()).message, "saved");
      } else if (answer.status === 401) {
        say("You have been signed out. Keep this page open, sign in again in another tab, and carry on here.", "failed");
        later(RETRY);
      } else if (answer.status === 409) {
        say("This task has been completed or taken over. What you type here is no longer saved.", "failed");
      } else {
        say("Your last changes are not saved yet. Convenor will try again.", "failed");
        later(RETRY);
      }
    } catch {
      say("Your last changes are not saved: there is no connection. Convenor will try again.", "failed");
      later(RETRY);
    } finally {
      busy = false;
      if (!leaving && snapshot(form) !== now) later(PAUSE);
    }
  }

  form.addEventListener("input", () => later(PAUSE));
  form.addEventListener("change", () => later(PAUSE));
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(timer);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && !leaving) save(true);
  });
}

function snapshot(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "csrf_token") fields.append(name, value);
  }
  return fields.toString();
}
