// What the page needs of a browser: Airflow's light or dark, buttons that start runs, links out of Airflow's frame,
// and fresh figures. Without it everything can be read, and nothing started.
"use strict";

// Airflow's UI keeps the choice of its user here; "system" and nothing leave it to the browser.
function dress() {
  const theme = localStorage.getItem("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
dress();
addEventListener("storage", dress);

// Airflow shows the page in a frame that may not navigate the window around it: a link of that window's own may.
function leave(event, link) {
  if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const out = parent.document.createElement("a");
  out.href = link.href;
  parent.document.body.append(out);
  out.click();
  out.remove();
}

function valueOf(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.type === "datetime-local") return new Date(field.value + "Z").toISOString();
  if (field.type === "number") return Number(field.value);
  return field.value;
}

// Airflow's own API decides whether the visitor may start the run. JSON: no form of another site can send it.
async function start(form) {
  const answer = form.querySelector(".answer");
  const go = form.querySelector(".go");
  const conf = {};
  // What is left empty has the default that the DAG declares, unless empty is a choice.
  for (const field of form.elements) {
    if (field.name && (field.value !== "" || "empty" in field.dataset)) conf[field.name] = valueOf(field);
  }
  go.disabled = true;
  answer.className = "answer";
  answer.textContent = "Asking Airflow …";
  try {
    const reply = await fetch(form.dataset.runs, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ logical_date: null, conf, note: "started on the page of Sluice" }),
    });
    const said = await reply.json().catch(() => ({}));
    if (reply.ok) tellRun(answer, form.dataset.shows, said.dag_run_id);
    else tellRefusal(answer, reply.status, said.detail);
  } catch (error) {
    tellRefusal(answer, 0, "Airflow did not answer; is its API server running?");
  }
  go.disabled = false;
}

function tellRun(answer, shows, run) {
  const link = document.createElement("a");
  link.href = shows + encodeURIComponent(run);
  link.dataset.airflow = "";
  link.textContent = run;
  answer.classList.add("good");
  answer.replaceChildren("Started: ", link);
}

function tellRefusal(answer, status, detail) {
  answer.classList.add("bad");
  const why = typeof detail === "string" ? detail : JSON.stringify(detail ?? "");
  if (status === 401) answer.textContent = "Not started: log in to Airflow again.";
  else if (status === 403) answer.textContent = "Not started: Airflow says that you may not run this DAG.";
  else answer.textContent = `Not started: ${why} ${status ? `(HTTP ${status})` : ""}`;
}

addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow]");
  if (link) return leave(event, link);
  const opener = event.target.closest("[data-opens]");
  if (opener) return document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
});

addEventListener("submit", (event) => {
  if (!event.target.dataset.runs) return;
  event.preventDefault();
  start(event.target);
});

// Fresh figures, unless somebody is reading or writing something that would close.
async function refresh() {
  if (document.hidden || document.querySelector("main details[open], dialog[open]")) return;
  const reply = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!reply || !reply.ok) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  if (document.querySelector("main details[open], dialog[open]")) return;
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  document.querySelector("header.top").replaceWith(fresh.querySelector("header.top"));
}
setInterval(refresh, 15000);
