// The log: lines are chosen by number, gaps are read when they come into sight, marked lines are a key away.
(() => {
  const viewer = document.querySelector(".viewer");
  if (!viewer) return;
  const log = document.getElementById("log");
  const id = viewer.dataset.id;
  const last = Number(viewer.dataset.lines);
  const marked = viewer.dataset.marked.split(" ").filter(Boolean).map(Number);
  const CHUNK = 400;
  // Lines in the page beyond which those far away become gaps again.
  const MOST = 6000;
  const counter = viewer.querySelector(".counter");
  viewer.querySelector(".tools").hidden = false;

  const row = number => document.getElementById(`L${number}`);
  // Browsers draw nothing taller than some 30 million pixels.
  const tall = gap => { gap.style.height = `${Math.min((gap.dataset.to - gap.dataset.from + 1) * 24, 2e7)}px`; };
  log.querySelectorAll(".gap").forEach(tall);

  const gapOf = number => [...log.querySelectorAll(".gap")].find(gap => gap.dataset.from <= number && number <= gap.dataset.to);
  const newGap = (from, to) => {
    const gap = document.createElement("div");
    gap.className = "gap";
    gap.dataset.from = from;
    gap.dataset.to = to;
    const link = document.createElement("a");
    link.href = `/r/${id}/log?from=${from}`;
    link.textContent = `Lines ${from} to ${to}`;
    gap.append(link);
    tall(gap);
    return gap;
  };

  // One after the other, so that two readers never fill the same gap.
  let turn = Promise.resolve();
  const fill = (from, to) => {
    turn = turn.then(async () => {
      const gap = gapOf(from) ?? gapOf(to);
      if (!gap) return;
      const first = Math.max(from, Number(gap.dataset.from));
      const end = Math.min(to, Number(gap.dataset.to));
      const answer = await fetch(`/r/${id}/lines?from=${first}&to=${end}`);
      if (!answer.ok) return;
      const made = document.createElement("template");
      made.innerHTML = await answer.text();
      const parts = [...made.content.children];
      const [before, after] = [Number(gap.dataset.from), Number(gap.dataset.to)];
      const anchor = log.scrollTop;
      const above = gap.offsetTop + gap.offsetHeight <= anchor;
      const total = log.scrollHeight;
      if (before < first) gap.before(newGap(before, first - 1));
      gap.before(...parts);
      const read = Number(parts.at(-1)?.querySelector(".ln:last-of-type")?.id.slice(1)) || end;
      if (read < after) gap.before(newGap(read + 1, after));
      gap.remove();
      if (above) log.scrollTop = anchor + log.scrollHeight - total;
      if (found.words) paint();
      forget(first);
      look();
    }).catch(() => {});
    return turn;
  };

  // Parts far from a line become a gap again.
  const forget = near => {
    let lines = log.querySelectorAll(".ln").length;
    if (lines <= MOST) return;
    const parts = [...log.querySelectorAll(".part")].filter(part => !part.querySelector(".hit, .proof, .after, .worth, .on"));
    const start = part => Number(part.querySelector(".ln").id.slice(1));
    parts.sort((a, b) => Math.abs(start(b) - near) - Math.abs(start(a) - near));
    for (const part of parts) {
      if (lines <= MOST * 0.7) break;
      const rows = part.querySelectorAll(".ln");
      const gap = newGap(Number(rows[0].id.slice(1)), Number(rows[rows.length - 1].id.slice(1)));
      lines -= rows.length;
      part.replaceWith(gap);
      for (const [other, side] of [[gap.previousElementSibling, "from"], [gap.nextElementSibling, "to"]]) {
        if (!other?.classList.contains("gap")) continue;
        gap.dataset[side] = other.dataset[side];
        other.remove();
        gap.firstChild.textContent = `Lines ${gap.dataset.from} to ${gap.dataset.to}`;
        gap.firstChild.href = `/r/${id}/log?from=${gap.dataset.from}`;
        tall(gap);
      }
    }
  };

  // What is in sight is read.
  let asked;
  const look = () => {
    clearTimeout(asked);
    asked = setTimeout(() => {
      const view = log.getBoundingClientRect();
      const [top, bottom] = [Math.max(view.top, 0), Math.min(view.bottom, innerHeight)];
      for (const gap of log.querySelectorAll(".gap")) {
        const box = gap.getBoundingClientRect();
        if (box.bottom < top - 200 || box.top > bottom + 200) continue;
        const [from, to] = [Number(gap.dataset.from), Number(gap.dataset.to)];
        const share = Math.max(0, Math.min(1, (top - box.top) / box.height));
        let at = from + Math.floor(share * (to - from + 1));
        // Where only the end of a gap is in sight, its last lines are read, else those from here on.
        at = box.bottom < bottom + 200 && share > 0 ? Math.max(from, to - CHUNK + 1) : Math.max(from, at - 40);
        fill(at, Math.min(to, at + CHUNK - 1));
        return;
      }
    }, 60);
  };
  log.addEventListener("scroll", look, { passive: true });
  addEventListener("scroll", look, { passive: true });

  const reveal = async number => {
    if (number < 1 || number > last) return null;
    if (!row(number)) await fill(Math.max(1, number - CHUNK / 4), Math.min(last, number + CHUNK / 2));
    if (!row(number)) await fill(number, Math.min(last, number + CHUNK / 2));
    const there = row(number);
    there?.closest("details")?.setAttribute("open", "");
    return there;
  };

  // #L10 and #L10-L20.
  const chosen = () => {
    const told = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
    if (!told) return null;
    const [from, to] = [Number(told[1]), Number(told[2] ?? told[1])];
    return from <= to ? [from, to] : [to, from];
  };
  const center = there => {
    const inside = there.getBoundingClientRect().top - log.getBoundingClientRect().top + log.scrollTop;
    log.scrollTop = inside - log.clientHeight / 3;
    const box = there.getBoundingClientRect();
    if (box.top < 60 || box.bottom > innerHeight - 40) there.scrollIntoView({ block: "center" });
  };
  const explain = async there => {
    if (there.querySelector(".note")) return;
    const note = document.createElement("span");
    note.className = "note";
    note.setAttribute("role", "status");
    there.append(note);
    const answer = await fetch(`/r/${id}/hint?from=${there.id.slice(1)}`);
    if (answer.ok) note.innerHTML = await answer.text(); else note.remove();
  };
  const show = async (move = true) => {
    const range = chosen();
    log.querySelectorAll(".on").forEach(old => old.classList.remove("on"));
    if (!range) return;
    const [from, to] = range;
    const there = await reveal(from);
    if (!there) return;
    for (let number = from; number <= Math.min(to, from + 5000); number += 1) row(number)?.classList.add("on");
    log.querySelectorAll("details:not([open])").forEach(fold => { if (fold.querySelector(".on")) fold.open = true; });
    if (move) center(there);
    if (from === to) explain(there);
    const place = marked.indexOf(from);
    counter.textContent = place >= 0 ? `${place + 1} of ${marked.length} marked` : from === to ? `line ${from}` : `${to - from + 1} lines`;
  };
  const choose = (from, to = from, move = false) => {
    history.replaceState(null, "", from === to ? `#L${from}` : `#L${from}-L${to}`);
    return show(move);
  };
  addEventListener("hashchange", () => show());
  log.addEventListener("click", event => {
    const number = event.target.closest(".no");
    if (!number) return;
    event.preventDefault();
    const line = Number(number.textContent);
    const range = chosen();
    if (event.shiftKey && range) choose(Math.min(range[0], line), Math.max(range[0], line));
    else choose(line);
  });
  // Links to a line from elsewhere on the page: the same line twice moves twice.
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href*="#L"]');
    if (!link || link.closest("#log .no") || link.classList.contains("no") && log.contains(link)) return;
    const href = link.getAttribute("href");
    const hash = href.slice(href.indexOf("#"));
    const path = href.slice(0, href.indexOf("#"));
    if (path && path !== location.pathname) return;
    event.preventDefault();
    if (location.hash !== hash) location.hash = hash; else show();
  });

  // From marked line to marked line, or from hit to hit while something is looked for.
  const found = { words: "", lines: [] };
  const go = step => {
    const lines = found.lines.length ? found.lines : marked;
    if (!lines.length) return;
    const now = chosen()?.[0] ?? (step > 0 ? 0 : last + 1);
    const next = step > 0 ? lines.find(line => line > now) ?? lines[0] : lines.findLast(line => line < now) ?? lines.at(-1);
    choose(next, next, true).then(() => {
      const place = lines.indexOf(next);
      counter.textContent = `${place + 1} of ${lines.length}${found.lines.length ? (found.more ? "+ found" : " found") : " marked"}`;
    });
  };

  // Words are painted through ranges, which leave the lines as they are; where a browser has none, the lines alone are walked.
  const paint = () => {
    if (!window.Highlight) return;
    const ranges = [];
    if (found.words) {
      const words = found.words.toLowerCase();
      const walk = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
      for (let text = walk.nextNode(); text && ranges.length < 5000; text = walk.nextNode()) {
        if (!text.parentElement.closest("code")) continue;
        const lower = text.data.toLowerCase();
        for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, at + words.length)) {
          const range = new Range();
          range.setStart(text, at);
          range.setEnd(text, at + words.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };
  const form = viewer.querySelector(".find");
  const input = form.querySelector("input");
  const search = async () => {
    const words = input.value.trim();
    if (words === found.words) { if (words) go(1); return; }
    found.words = words;
    found.lines = [];
    counter.textContent = "";
    paint();
    if (!words) return;
    counter.textContent = "Looking";
    const answer = await fetch(`/r/${id}/find?q=${encodeURIComponent(words)}`);
    if (!answer.ok || found.words !== words) return;
    const { lines, more } = await answer.json();
    found.lines = lines;
    found.more = more;
    if (!lines.length) { counter.textContent = "Nothing found"; return; }
    history.replaceState(null, "", location.pathname);
    go(1);
  };
  form.addEventListener("submit", event => { event.preventDefault(); search(); });
  input.addEventListener("search", () => { if (!input.value) search(); });

  const help = document.getElementById("keys");
  const on = help.querySelector("#keys-on");
  try { on.checked = localStorage.getItem("keys") !== "off"; } catch { /* on, then */ }
  on.addEventListener("change", () => { try { localStorage.setItem("keys", on.checked ? "on" : "off"); } catch { /* for this page */ } });
  const wrap = viewer.querySelector('[data-do="wrap"]');
  const deeds = {
    next: () => go(1),
    previous: () => go(-1),
    wrap: () => wrap.setAttribute("aria-pressed", log.classList.toggle("wrap")),
    help: () => help.open ? help.close() : help.showModal(),
    find: () => { input.focus(); input.select(); },
    first: () => choose(1, 1, true),
    last: () => choose(last, last, true),
    copy: () => navigator.clipboard?.writeText(location.href).then(() => { counter.textContent = "Address copied"; }),
    leave: () => {
      if (chosen()) history.replaceState(null, "", location.pathname);
      found.words = ""; found.lines = []; counter.textContent = "";
      paint();
      show(false);
    },
  };
  viewer.querySelectorAll("[data-do]").forEach(button => button.addEventListener("click", deeds[button.dataset.do]));
  const keys = { n: "next", j: "next", p: "previous", k: "previous", "/": "find", w: "wrap", "?": "help", y: "copy", g: "first", G: "last", Escape: "leave" };
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || !on.checked && event.key !== "Escape") return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const deed = keys[event.key];
    if (!deed) return;
    event.preventDefault();
    deeds[deed]();
  });

  show();
  look();
})();
