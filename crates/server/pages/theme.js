// Sets the chosen theme before the page is painted. A classic script, because a module would be late.

"use strict";

{
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
