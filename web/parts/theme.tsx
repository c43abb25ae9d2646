import { useState } from "react";

const kept = "td:theme";
const themes = ["system", "dark", "light"] as const;
type Theme = (typeof themes)[number];

function known(): Theme {
  const found = localStorage.getItem(kept);
  return themes.find((theme) => theme === found) ?? "system";
}

function show(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
}

show(known());

/** Dark, light, or as the system is. */
export function ThemeButton() {
  const [theme, setTheme] = useState(known);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
  const change = () => {
    localStorage.setItem(kept, next);
    show(next);
    setTheme(next);
  };
  return (
    <button type="button" className="quiet" data-key="T" onClick={change}>
      theme: {theme}
    </button>
  );
}
