// Waits for the typing to stop, asks the service, draws its answer.
const ROWS = 10, DEBOUNCE_MS = 250;
const box = document.getElementById('business-search'), app = document.getElementById('app');
const rowClass = document.body.dataset.row;
let timer = null, turn = 0;

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

async function search(value, page) {
  const mine = ++turn;
  app.replaceChildren(element('p', {class: 'loading', role: 'status'}, 'Searching…'));
  const reply = await fetch('registry-search/api/v2/search/businesses', {
    method: 'POST', headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({query: {value}, categories: {}, rows: ROWS, start: (page - 1) * ROWS}),
  });
  if (mine !== turn) return;  // another question was typed meanwhile
  if (!reply.ok) { app.replaceChildren(element('p', {class: 'toast'}, 'Search is not available.')); return; }
  draw(value, page, (await reply.json()).searchResults);
}

function draw(value, page, found) {
  if (!found.results) { app.replaceChildren(); return; }
  const head = element('h2', {}, 'Results for “', element('span', {id: 'searched-for'}, value), '”');
  if (found.totalResults === 0) {
    app.replaceChildren(head, element('p', {id: 'no-results'}, 'No results found. No business matches your search.'));
    return;
  }
  const body = element('tbody', {});
  for (const one of found.results) {
    body.append(element('tr', {class: rowClass, 'data-identifier': one.identifier},
      ...['name', 'identifier', 'legalType', 'status'].map(field => element('td', {'data-field': field}, one[field]))));
  }
  const next = element('button', {id: 'next-page', type: 'button'}, 'Next');
  next.disabled = page * ROWS >= found.totalResults || found.results.length < ROWS;
  next.addEventListener('click', () => search(value, page + 1));
  app.replaceChildren(head, element('p', {}, element('span', {id: 'total-results'}, String(found.totalResults)),
    ' businesses, page ', element('span', {id: 'page-number'}, String(page))),
    element('table', {id: 'search-results'}, body), next);
}

box.addEventListener('input', () => {
  clearTimeout(timer);
  const value = box.value.trim();
  if (value.length < 2) { app.replaceChildren(); return; }
  timer = setTimeout(() => search(value, 1), DEBOUNCE_MS);
});
