"use strict";
const cards = [...document.querySelectorAll("[data-row]")];
const buttons = [...document.querySelectorAll("[data-show]")];
const shown = document.getElementById("shown");

function show(button) {
  const wanted = Object.entries(JSON.parse(button.dataset.show));
  let count = 0;
  for (const card of cards) {
    const fits = wanted.every(([name, value]) => card.dataset[name] === value);
    card.hidden = !fits;
    count += fits;
  }
  for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
  shown.textContent = `${count.toLocaleString("en")} of ${cards.length.toLocaleString("en")} images`;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    show(button);
    if (button.closest("table")) document.getElementById("images").scrollIntoView({ behavior: "smooth" });
  });
}
