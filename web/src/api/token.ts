// A server that listens beyond its own machine asks for a token. Its address carries the token behind `#token=`, which
// browsers do not send; the page moves it into the tab's own storage, so that an address copied later does not hold it.
const KEY = "tvae.token";

export function takeTokenFromAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token === null) return;
  sessionStorage.setItem(KEY, token);
  fragment.delete("token");
  history.replaceState(null, "", `${location.pathname}${location.search}#${fragment}`);
}

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

export function setToken(value: string): void {
  sessionStorage.setItem(KEY, value);
}
