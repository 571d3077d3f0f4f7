// Draws a procedure's diagram for reading and colours where a case stands. The same is listed in words on the page.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";

async function draw(place) {
  const answer = await fetch(place.dataset.diagram, { credentials: "same-origin" });
  if (!answer.ok) return;
  const viewer = new NavigatedViewer({ container: place });
  place.hidden = false;
  try {
    await viewer.importXML(await answer.text());
  } catch {
    place.hidden = true; // a diagram that nobody has drawn: the words below say it all
    viewer.destroy();
    return;
  }
  const canvas = viewer.get("canvas");
  const elements = viewer.get("elementRegistry");
  const states = JSON.parse(place.dataset.states || "{}");
  for (const [id, state] of Object.entries(states)) {
    if (elements.get(id)) canvas.addMarker(id, `cv-${state}`);
  }
  const root = canvas.getRootElement();
  const open = Object.keys(states).find((id) => {
    const found = states[id] === "open" && elements.get(id);
    return found && canvas.findRoot(found) === root;
  });
  canvas.zoom("fit-viewport", "auto");
  if (open && canvas.zoom() < 0.5) {
    canvas.zoom(0.7);
    canvas.scrollToElement(open);
  }
  const tools = document.getElementById(place.dataset.tools);
  if (!tools) return;
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const act = event.target.dataset.zoom;
    if (act === "in") canvas.zoom(canvas.zoom() * 1.25);
    if (act === "out") canvas.zoom(canvas.zoom() / 1.25);
    if (act === "fit") canvas.zoom("fit-viewport", "auto");
    if (act === "here" && open) {
      canvas.zoom(0.9);
      canvas.scrollToElement(open);
    }
  });
}

for (const place of document.querySelectorAll("[data-diagram]")) draw(place);
