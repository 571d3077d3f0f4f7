// Who is signed in now, and the token that a form must carry. Asked when the person may have signed in again in another tab.
export async function currentSession(address) {
  const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
  return answer.json();
}

export function carry(token) {
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = token;
}

// A form that waits on the page while the person signs in elsewhere takes the new session's token when it is sent.
export function renewOnSubmit(form) {
  let renewed = false;
  form.addEventListener("submit", async (event) => {
    if (renewed) return;
    event.preventDefault();
    try {
      const found = await currentSession(form.dataset.renew);
      if (found.person) carry(found.token);
    } finally {
      renewed = true;
      form.submit();
    }
  });
}
