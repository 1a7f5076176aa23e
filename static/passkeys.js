// Passkeys: a form with `data-passkey` gets its credential from the browser before it is sent.
// The server's question stands in the page as `js_data`.
const { webauthnJSON } = window;

async function send(event) {
  const form = event.currentTarget;
  event.preventDefault();
  try {
    const question = JSON.parse(document.getElementById("js_data").textContent);
    const credential = form.dataset.passkey === "add"
      ? await webauthnJSON.create(question.creation_options)
      : await webauthnJSON.get(question.request_options);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch {
    const told = form.querySelector("[data-passkey-error]");
    told.textContent = "The browser gave no passkey. Try again, or choose another way.";
    told.hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  form.addEventListener("submit", send);
}
