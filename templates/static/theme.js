// Light or dark: as the system says, unless somebody chose here.
(() => {
  const root = document.documentElement;
  const chosen = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const now = () => chosen() ?? (system.matches ? "dark" : "light");
  const apply = () => { root.dataset.theme = now(); };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    const tell = () => { button.textContent = now() === "dark" ? "Light" : "Dark"; };
    button.hidden = false;
    tell();
    system.addEventListener("change", tell);
    button.addEventListener("click", () => {
      const next = now() === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", next); } catch { /* then it lasts for this page */ }
      root.dataset.theme = next;
      tell();
    });
  });
})();
