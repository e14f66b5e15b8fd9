// The keys beside the field for a PIN. What they type is never shown, and is nowhere but in the field.

const form = document.querySelector("#pad");
if (form) {
  const field = form.elements.pin;
  const keys = form.querySelector(".pad");
  keys.hidden = false;
  keys.addEventListener("click", (event) => {
    const key = event.target.closest("[data-digit]");
    if (!key) return;
    if (key.dataset.digit === "back") field.value = field.value.slice(0, -1);
    else if (field.value.length < field.maxLength) field.value += key.dataset.digit;
  });
  // What was typed does not come back with the page.
  addEventListener("pagehide", () => { field.value = ""; });
}
