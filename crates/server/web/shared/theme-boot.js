// Applies a chosen colour scheme before the first paint. A classic script, because modules run later.
try {
  const chosen = localStorage.getItem('campanile.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be refused; the system's scheme then stands.
}
