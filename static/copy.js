// Copy buttons: `data-copy` holds the id of the element whose text is copied. They are hidden until this runs.
const COPIED_FOR_MS = 1600;

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = label; }, COPIED_FOR_MS);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !document.getElementById(button.dataset.copy);
  button.addEventListener("click", () => copy(button));
}
