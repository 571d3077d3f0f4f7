// One check box that ticks all the others of its group. The box is drawn by the server and stays hidden without scripts.
export function selectAll(box) {
  const name = box.dataset.selectAll;
  const boxes = () => [...document.querySelectorAll(`input[type="checkbox"][name="${name}"]`)];
  const holder = box.closest("[hidden]");
  if (holder) holder.hidden = false;
  box.addEventListener("change", () => {
    for (const one of boxes()) one.checked = box.checked;
  });
  document.addEventListener("change", (event) => {
    if (event.target !== box && event.target.name === name) box.checked = boxes().every((one) => one.checked);
  });
}
