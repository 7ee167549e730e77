// @ts-check
// Not a module: it runs before the page is painted, so that a chosen theme does not flash up after the other one.
{
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
