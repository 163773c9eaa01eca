// Sends the log while a bar shows how far it is; takes files that are dropped anywhere.
(() => {
  const form = document.getElementById("send");
  const log = document.getElementById("log");
  const file = document.getElementById("file");
  const alert = form.querySelector(".alert");
  const upload = form.querySelector(".upload");
  const words = upload.querySelector(".upload-words");
  const bar = upload.querySelector("progress");
  const most = Number(form.dataset.most);
  const size = n => n < 1e6 ? `${Math.max(1, Math.round(n / 1e3))} KB` : `${(n / 1e6).toFixed(1)} MB`;

  const refuse = text => {
    upload.hidden = true;
    alert.textContent = text;
    alert.hidden = false;
  };

  const send = (body, name) => {
    alert.hidden = true;
    if (body.size > most) return refuse(`This is ${size(body.size)}, more than the ${size(most)} that are taken here. Send the part around the first error, or the end of it.`);
    const asked = new URLSearchParams();
    for (const field of ["name", "project", "job"]) if (form.elements[field].value) asked.set(field, form.elements[field].value);
    if (!asked.has("name") && name) asked.set("name", name);
    const request = new XMLHttpRequest();
    const stop = upload.querySelector("[data-stop]");
    request.open("POST", `/api/v1/reports?${asked}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", event => {
      bar.value = event.total ? 100 * event.loaded / event.total : 0;
      words.textContent = event.loaded < event.total ? `Sending: ${size(event.loaded)} of ${size(event.total)}` : "Sent. Reading";
      if (event.loaded === event.total) bar.removeAttribute("value");
    });
    request.addEventListener("load", () => {
      const id = request.getResponseHeader("Location")?.split("/").pop();
      if (request.status < 300 && id) { location.href = `/r/${id}`; return; }
      let detail;
      try { detail = JSON.parse(request.responseText).detail; } catch { /* no problem document */ }
      refuse(detail ?? `The log was not taken (${request.status}). Try again.`);
    });
    request.addEventListener("error", () => refuse("The connection broke. Is whyred still running? Try again."));
    request.addEventListener("abort", () => { upload.hidden = true; });
    stop.onclick = () => request.abort();
    words.textContent = `Sending ${size(body.size)}`;
    bar.value = 0;
    upload.hidden = false;
    request.send(body);
  };

  form.addEventListener("submit", event => {
    event.preventDefault();
    const chosen = file.files[0];
    if (log.value.trim()) send(new Blob([log.value]), "");
    else if (chosen) send(chosen, chosen.name);
    else { refuse("Paste a log or choose a file first."); log.focus(); }
  });
  log.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  file.addEventListener("change", () => { if (file.files[0] && !log.value.trim()) send(file.files[0], file.files[0].name); });

  const drop = document.querySelector(".drop");
  let inside = 0;
  const brings = event => [...event.dataTransfer?.types ?? []].includes("Files");
  addEventListener("dragenter", event => { if (brings(event)) { inside += 1; drop.hidden = false; } });
  addEventListener("dragleave", event => { if (brings(event)) { inside -= 1; drop.hidden = inside <= 0; } });
  addEventListener("dragover", event => { if (brings(event)) event.preventDefault(); });
  addEventListener("drop", event => {
    inside = 0;
    drop.hidden = true;
    const dropped = event.dataTransfer?.files[0];
    if (!dropped) return;
    event.preventDefault();
    send(dropped, dropped.name);
  });
  // Back from a report: the bar of then is no longer true.
  addEventListener("pageshow", () => { upload.hidden = true; });
})();
