// Keeps a page current: listens to /live, fetches the fragments that changed, says how old the page is, turns the wall's pages.
"use strict";
(() => {
  const GATHER_MS = 150;      // after the first change at once, further ones are fetched together
  const LOST_MS = 3000;       // a stream that is closed for longer is lost
  const OLD_SECONDS = 60;
  const TURN_SECONDS = 12;
  const KEYS_AT_ONCE = 60;

  const main = document.querySelector("main");
  const lanes = document.getElementById("lanes");
  const wall = document.documentElement.classList.contains("wall");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // --- how current -------------------------------------------------------------------------------------------------
  const stamp = document.getElementById("as-of");
  let heardAt = performance.now(), ageThen = Number(document.body.dataset.asOfAge), openSince = null, closedSince = heardAt;

  const put = (selector, text, loud) => {
    const element = stamp.querySelector(selector);
    element.textContent = text;
    if (loud !== undefined) element.classList.toggle("some", loud);
  };
  const pulse = (data) => {
    heardAt = performance.now();
    ageThen = data.age_seconds;
    put("[data-as-of]", data.as_of);
    put("[data-unsent-now]", stamp.dataset.unsent.replace("{n}", data.waiting), data.waiting > 0);
    put("[data-silent-now]", data.silent ? stamp.dataset.silent.replace("{n}", data.silent) : "");
    const absent = data.absent[document.documentElement.lang];
    put("[data-absent-now]", absent ? stamp.dataset.between + absent : "");
    judge();
  };
  const judge = () => {
    const now = performance.now();
    const old = ageThen + (now - heardAt) / 1000 > OLD_SECONDS;
    const lost = openSince === null && now - closedSince > LOST_MS;
    document.body.classList.toggle("stale", old || lost);
  };
  setInterval(judge, 500);

  // --- what changed ------------------------------------------------------------------------------------------------
  const waiting = new Set();
  let busy = false, wanted = false, revision = Number(document.body.dataset.revision);

  const element = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };
  const flash = (row) => { row.classList.add("changed"); setTimeout(() => row.classList.remove("changed"), 2300); };
  const place = (row) => {
    const after = [...lanes.children].find((other) => other.dataset.rank > row.dataset.rank);
    lanes.insertBefore(row, after ?? null);
  };
  const putRow = (key, html) => {
    const old = document.getElementById("o-" + key);
    if (html === null) { old?.remove(); return; }
    const row = element(html);
    if (old && old.dataset.rank === row.dataset.rank) old.replaceWith(row);
    else if (old || main.dataset.page === "1") { old?.remove(); place(row); }
    else return;
    while (lanes.children.length > Number(main.dataset.rows)) lanes.lastElementChild.remove();
    flash(row);
  };
  let left = false;
  const gone = () => { if (!left) { left = true; location.reload(); } };  // the new page says what there is to say
  const get = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (answer.status === 404) gone();
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  };
  const refetchRows = async () => {
    const keys = [...waiting].slice(0, KEYS_AT_ONCE);
    keys.forEach((key) => waiting.delete(key));
    try {
      const data = await (await get(main.dataset.fragment + "&keys=" + keys.map(encodeURIComponent).join(","))).json();
      for (const key of keys) putRow(key, data.rows[key] ?? null);
      for (const [tab, count] of Object.entries(data.tabs)) {
        const place = document.querySelector(`[data-tab="${tab}"]`);
        if (place) place.textContent = count;
      }
      document.getElementById("nothing").hidden = lanes.children.length > 0;
      fit();
    } catch (error) { keys.forEach((key) => waiting.add(key)); throw error; }
  };
  const refetchWhole = async () => {
    wanted = false;
    try {
      main.innerHTML = await (await get(main.dataset.fragment)).text();
    } catch (error) { wanted = true; throw error; }
  };
  const work = async () => {
    if (busy) return;
    busy = true;
    while (!left && (waiting.size || wanted)) {
      try { await (lanes ? refetchRows() : refetchWhole()); } catch { if (openSince === null) break; }
      await new Promise((done) => setTimeout(done, GATHER_MS));
    }
    busy = false;
  };
  const concerns = (data) => main.dataset.order ? data.order === main.dataset.order : data.firms.includes(main.dataset.firm);

  // --- ages: what is lost goes on being lost between two fetches -----------------------------------------------------
  const AGES = [[60, 1], [3600, 60], [48 * 3600, 3600], [Infinity, 86400]];  // up to so many seconds, counted in so many
  const ageWords = (main.dataset.ages ?? "").split("|");
  const grow = () => {
    for (const shown of main.querySelectorAll("[data-age]")) {
      shown.bornAt ??= performance.now() - Number(shown.dataset.age) * 1000;
      const seconds = (performance.now() - shown.bornAt) / 1000;
      const scale = AGES.findIndex(([most]) => seconds < most);
      shown.textContent = ageWords[scale].replace("{n}", Math.floor(seconds / AGES[scale][1]));
    }
  };
  if (main.dataset.ages) setInterval(grow, 1000);

  // --- the stream --------------------------------------------------------------------------------------------------
  let stream = null;
  const listen = () => {
    stream = new EventSource("/live?since=" + revision);
    const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
    stream.onopen = () => { openSince = performance.now(); judge(); };
    stream.onerror = () => {
      if (openSince !== null) { openSince = null; closedSince = performance.now(); }
      if (stream.readyState === EventSource.CLOSED) { stream.close(); setTimeout(listen, LOST_MS); }
    };
    on("everything", () => {
      if (lanes) setTimeout(() => location.reload(), 300);
      else if (main.dataset.live) { wanted = true; work(); }
    });
    on("order", (data) => {
      revision = data.revision;
      if (main.dataset.live === "rows") waiting.add(data.order);
      else if (main.dataset.live === "whole" && concerns(data)) wanted = true;
      work();
    });
    on("machines", (data) => { if (main.dataset.firm && data.firms.includes(main.dataset.firm)) { wanted = true; work(); } });
    on("pulse", pulse);
  };
  // a browser opens six connections a server: pages that nobody sees give theirs back
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stream?.close(); stream = null; openSince = null; closedSince = performance.now(); }
    else if (!stream) listen();
  });
  listen();

  // --- the wall ----------------------------------------------------------------------------------------------------
  const sign = document.getElementById("pages");
  let page = 0;
  const columns = document.querySelector(".columns");
  const room = () => main.clientHeight - (columns ? columns.offsetHeight : 0);
  const starts = () => {
    const found = [0];
    let from = lanes.children[0]?.offsetTop ?? 0;
    [...lanes.children].forEach((row, n) => {
      if (row.offsetTop + row.offsetHeight - from > room() + 1) { found.push(n); from = row.offsetTop; }
    });
    return found;
  };
  const fit = () => {
    if (!wall || !lanes || innerWidth < 1000) return;
    [...lanes.children].forEach((row) => row.classList.remove("aside"));
    const first = starts();
    page %= first.length;
    [...lanes.children].forEach((row, n) => row.classList.toggle("aside", n < first[page] || n >= (first[page + 1] ?? Infinity)));
    sign.hidden = first.length < 2;
    sign.textContent = first.length > 8 ? `${page + 1} / ${first.length}` : first.map((_, n) => (n === page ? "●" : "○")).join(" ");
  };
  const turn = () => {
    if (lanes) { page += 1; fit(); return; }
    const bottom = main.scrollTop + main.clientHeight >= main.scrollHeight - 4;
    main.scrollTo({ top: bottom ? 0 : main.scrollTop + main.clientHeight * 0.9, behavior: still ? "auto" : "smooth" });
  };
  if (wall) { fit(); addEventListener("resize", fit); setInterval(turn, TURN_SECONDS * 1000); }
})();
