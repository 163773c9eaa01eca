// A button beside every block that can be copied.
(() => {
  const write = async text => {
    // Pages that are not served over TLS have no clipboard of their own.
    try { return await navigator.clipboard.writeText(text); } catch { /* then the old way */ }
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("not copied");
  };
  const tell = (button, words) => {
    const before = button.dataset.words;
    button.textContent = words;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { button.textContent = before; }, 2000);
  };
  const button = (words, label, text) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.dataset.words = made.textContent = words;
    if (label) made.setAttribute("aria-label", label);
    made.setAttribute("aria-live", "polite");
    made.addEventListener("click", () => write(text()).then(() => tell(made, "Copied"), () => tell(made, "Not copied")));
    return made;
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const block of document.querySelectorAll(".copy")) {
      const text = () => block.querySelector("pre, input, textarea").value ?? block.querySelector("pre").textContent.replace(/\n$/, "");
      block.append(button("Copy", block.dataset.label, text));
    }
  });
})();
