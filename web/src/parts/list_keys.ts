/** Up and down go from text to text of a list; Home and End to its ends. For `use:listKeys` on the list. */
export function listKeys(list: HTMLElement): { destroy(): void } {
  function key(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLElement) || !event.target.matches("[data-pick]")) return;
    const picks = [...list.querySelectorAll<HTMLElement>("[data-pick]")];
    const at = picks.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: picks.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    picks[Math.min(picks.length - 1, Math.max(0, to))]?.focus();
  }
  list.addEventListener("keydown", key);
  return { destroy: () => list.removeEventListener("keydown", key) };
}
