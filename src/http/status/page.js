(() => {
  const byId = id => document.getElementById(id);
  const button = byId("live"), said = byId("said");
  let on = true;
  const look = async () => {
    if (!on || document.hidden) return;
    try {
      const answer = await fetch(location.pathname, {cache: "no-store", signal: AbortSignal.timeout(8000)});
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const parts = [...page.querySelectorAll("[data-live]")];
      const same = parts.length === document.querySelectorAll("[data-live]").length;
      if (!same || parts.some(part => !byId(part.id))) {
        byId("main").replaceChildren(...page.getElementById("main").childNodes);
      } else for (const part of parts) {
        const here = byId(part.id);
        if (here.innerHTML !== part.innerHTML) here.replaceChildren(...part.childNodes);
      }
      if (said.textContent) said.textContent = "";
    } catch {
      if (!said.textContent) said.textContent = "No answer since " + new Date().toLocaleTimeString() + ".";
    }
  };
  button.hidden = false;
  button.onclick = () => {
    on = !on;
    button.textContent = on ? "Pause" : "Resume";
    byId("pace").textContent = on ? "Refreshed every 5 seconds." : "Paused.";
    look();
  };
  byId("pace").textContent = "Refreshed every 5 seconds.";
  setInterval(look, 5000);
  document.addEventListener("visibilitychange", look);
})();
