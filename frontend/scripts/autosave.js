// Saves what is typed a moment after typing stops, and when the page is left. The server keeps the draft encrypted;
// nothing is written to the browser's own storage. Files are sent only with the form itself.
import { carry, currentSession } from "./session.js";

const PAUSE = 1500;
const RETRY = 15000;

const SIGNED_OUT =
  "You have been signed out. Keep this page open, sign in again in another tab, and carry on here: what you typed is not lost.";
const SOMEBODY_ELSE = "Somebody else is signed in now. What you type here is not saved.";
const CLOSED = "This task has been completed or taken over. What you type here is no longer saved.";
const FAILED = "Your last changes are not saved yet. Convenor will try again.";
const OFFLINE = "Your last changes are not saved: there is no connection. Convenor will try again.";

export function saveDrafts(place) {
  const form = place.querySelector("form");
  const status = place.querySelector("[data-draft-status]");
  const { autosave, session, person } = place.dataset;
  let timer = 0;
  let sent = snapshot(form);
  let busy = false;
  let leaving = false;

  const say = (text, state) => {
    status.textContent = text;
    status.dataset.state = state;
  };

  const later = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  const send = (fields, keepalive) =>
    fetch(autosave, {
      method: "PUT",
      body: new URLSearchParams(fields),
      headers: { "X-CSRFToken": form.elements.csrf_token.value },
      credentials: "same-origin",
      redirect: "error",
      keepalive,
    });

  // The person has signed in again in another tab: go on here with the new session's token.
  async function renew() {
    const found = await currentSession(session);
    if (!found.person) return SIGNED_OUT;
    if (found.person !== person) return SOMEBODY_ELSE;
    carry(found.token);
    return "";
  }

  async function save(keepalive = false) {
    clearTimeout(timer);
    const now = snapshot(form);
    if (now === sent || (busy && !keepalive)) return;
    busy = true;
    try {
      let answer = await send(now, keepalive);
      if (answer.status === 401 && !keepalive) {
        const trouble = await renew();
        if (trouble) {
          say(trouble, "failed");
          later(RETRY);
          return;
        }
        answer = await send(now, keepalive);
      }
      if (answer.ok) {
        sent = now;
        say((await answer.json()).message, "saved");
      } else if (answer.status === 409) {
        say(CLOSED, "failed");
      } else {
        say(FAILED, "failed");
        later(RETRY);
      }
    } catch {
      say(OFFLINE, "failed");
      later(RETRY);
    } finally {
      busy = false;
      if (!leaving && status.dataset.state !== "failed" && snapshot(form) !== now) later(PAUSE);
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
