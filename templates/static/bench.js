// The bench, live: what the rule matches is shown while it is written. Without this script the form does the same.
(() => {
  const form = document.querySelector("[data-bench]");
  const result = document.getElementById("result");
  const rule = document.getElementById("rule");
  const said = form.querySelector("[data-said]");
  const history = form.querySelector("[data-history]");
  const DELAY = 500;
  let timer, last = "", running;

  const show = async (path) => {
    clearTimeout(timer);
    running?.abort();
    running = new AbortController();
    result.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(path, { method: "POST", body, signal: running.signal });
      const text = await answer.text();
      if (answer.ok) {
        result.innerHTML = text;
        // Those who listen hear the one sentence, and only where it is another one.
        const sentence = result.querySelector(".state").textContent;
        if (said.textContent !== sentence) said.textContent = sentence;
      } else {
        const words = document.createElement("p");
        words.className = "state bad";
        words.textContent = text.trim();
        result.replaceChildren(words);
      }
      result.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name === "AbortError") return;
      result.removeAttribute("aria-busy");
      result.textContent = "whyred does not answer.";
    }
  };
  const state = () => [...new FormData(form).values()].join("\u0000");
  const changed = () => {
    if (state() === last) return;
    last = state();
    clearTimeout(timer);
    timer = setTimeout(() => show("/rules/bench/try"), DELAY);
  };

  form.addEventListener("input", changed);
  form.querySelector("[data-try]").hidden = true;
  history.hidden = false;
  history.addEventListener("click", (event) => {
    if (!form.reportValidity()) return;
    event.preventDefault();
    show("/rules/bench/history");
  });
  // From a message to its line of the rule.
  result.addEventListener("click", (event) => {
    const line = Number(event.target.dataset?.line);
    if (!line) return;
    event.preventDefault();
    const before = rule.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = rule.value.indexOf("\n", before);
    rule.focus();
    rule.setSelectionRange(before, end < 0 ? rule.value.length : end);
    rule.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(rule).lineHeight));
  });
  if (!result.querySelector("section, .problems")) changed();
})();
