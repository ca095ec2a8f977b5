// Asks the public service for an FRN and draws its answer.
const base = document.body.dataset.base, box = document.getElementById('listings-search');
const answer = document.getElementById('listings-answer');

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawn(row) {
  const documents = element('td', {class: 'documents'}, row.documents.join(', '));
  if (row.digests.length) documents.dataset.sha256 = row.digests.join(' ');
  return element('tr', {}, element('td', {class: 'number'}, row.number), element('td', {class: 'frn'}, row.frn),
    element('td', {class: 'name'}, row.business_name), element('td', {class: 'kind'}, row.kind),
    element('td', {class: 'filed'}, row.filed), documents);
}

document.getElementById('listings-go').addEventListener('click', async () => {
  const frn = box.value.trim();
  answer.replaceChildren(element('p', {class: 'loading', role: 'status'}, 'Searching…'));
  const reply = await fetch(`${base}/api/x_g_fmc_rmd/rmd/public?sysparm_query=frn_str=${encodeURIComponent(frn)}`);
  if (!reply.ok) { answer.replaceChildren(element('p', {class: 'toast'}, 'The list is not available.')); return; }
  const rows = (await reply.json()).result;
  const head = element('h2', {}, 'Filings of FRN ', element('span', {id: 'listings-searched-for'}, frn));
  if (!rows.length) {
    answer.replaceChildren(head, element('p', {id: 'listings-empty'}, 'There are no filings of this FRN.'));
    return;
  }
  const titles = ['Number', 'FRN', 'Business name', 'Kind', 'Filed', 'Documents'].map(text => element('th', {}, text));
  answer.replaceChildren(head, element('table', {id: 'listings'},
    element('thead', {}, element('tr', {}, ...titles)), element('tbody', {}, ...rows.map(drawn))));
});
