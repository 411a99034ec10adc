// The gallery of corruptions: a word narrows it down. Without this script, or elsewhere, all pictures are shown.
document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".gallery-search");
  if (!box) return;
  const count = document.querySelector(".gallery-count");
  const figures = [...document.querySelectorAll(".gallery figure")].map((figure) => ({
    figure,
    text: `${figure.dataset.words} ${figure.textContent}`.toLowerCase(),
  }));
  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { figure, text } of figures) {
      figure.hidden = !words.every((word) => text.includes(word));
      left += !figure.hidden;
    }
    count.textContent = words.length ? `${left} of ${figures.length}` : "";
  };
  box.hidden = count.hidden = false;
  box.addEventListener("input", show);
  box.value = new URLSearchParams(location.search).get("words") ?? "";
  show();
});
