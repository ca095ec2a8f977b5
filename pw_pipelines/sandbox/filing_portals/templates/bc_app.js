// One page: its address after # says which form. Answers stay in the page until the last panel sends them.
const base = document.body.dataset.base, change = document.body.dataset.change, app = document.getElementById('app');
const CHECK_MS = 120;
let turn = 0;  // raised when another page is asked for: answers to an older one are dropped

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const text = (name, label, more = {}) => element('label', {}, label, ' ', element('input', {type: 'text', name, id: name, size: 40, autocomplete: 'off', ...more}));
const area = (name, label) => element('label', {}, label, element('br', {}), element('textarea', {name, id: name}));
const tick = (name, label) => element('label', {}, element('input', {type: 'checkbox', name, id: name, value: 'yes'}), ' ', label);
const radio = (name, value, label, onchange) => element('label', {}, element('input', {type: 'radio', name, id: `${name}-${value}`, value, onchange}), ' ', label);
const file = (name, label) => element('label', {}, label, ' ', element('input', {type: 'file', name, id: name, accept: 'application/pdf'}));

const FORMS = {
  'incorporation': {
    title: 'Incorporation application', kind: 'incorporation',
    panels: [['Name', namePanel], ['Offices and people', peoplePanel], ['Documents', documentsPanel]],
  },
  'annual-report': {title: 'Annual report', kind: 'annual_report', panels: [['Company', reportPanel]]},
};

function namePanel() {
  const holder = element('div', {id: 'nr-holder'});
  const named = () => holder.replaceChildren(
    text('nrNumber', 'Name approval number (NR 1234567)', {oninput: checkName}), element('p', {id: 'nr-answer', role: 'status'}));
  return [element('fieldset', {}, element('legend', {}, 'Name of the company'),
    radio('nameType', 'named', 'Use an approved name', named),
    radio('nameType', 'numbered', 'Use the incorporation number as the name (no approval needed)', () => holder.replaceChildren())), holder];
}

function peoplePanel() {
  const incorporator = change === 'renamed_field' ? text('incorporatorLegalName', 'Legal name of the incorporator') : text('incorporator', 'Incorporator');
  return [area('registeredOffice', 'Registered office (in British Columbia)'), area('recordsOffice', 'Records office'),
    area('directors', 'Directors, one a line: name; delivery address'), incorporator,
    text('contactEmail', 'E-mail of the completing party'), text('folio', 'Folio number (your reference)'),
    ...(change === 'extra_required' ? [text('businessNumber', 'Business number (9 digits) *')] : [])];
}

function documentsPanel() {
  return [file('articles', 'Incorporation agreement, notice of articles and articles (PDF)')];
}

function reportPanel() {
  const number = change === 'renamed_field' ? text('identifier', 'Identifier of the company') : text('incorporationNumber', 'Incorporation number (BC1234567)');
  return [number, text('year', 'Year of the report'), tick('officesUnchanged', 'The offices on record are right'),
    tick('directorsUnchanged', 'The directors on record are right'), text('contactEmail', 'E-mail of the completing party'),
    text('folio', 'Folio number (your reference)'), ...(change === 'extra_required' ? [text('businessNumber', 'Business number (9 digits) *')] : [])];
}

let timer = null;
function checkName(event) {
  clearTimeout(timer);
  const answer = document.getElementById('nr-answer'), number = event.target.value.trim();
  answer.textContent = ''; answer.className = '';
  timer = setTimeout(async () => {
    const reply = await fetch(`${base}/api/v1/namerequests/${encodeURIComponent(number)}`);
    const told = await reply.json();
    answer.textContent = reply.ok ? `Approved: ${told.name} (until ${told.expires})` : told.message;
    answer.className = reply.ok ? 'good' : 'v-alert';
  }, CHECK_MS);
}

function show(form, at, answers, message = '') {
  const [title, draw] = form.panels[at], last = at === form.panels.length - 1;
  const crumbs = element('ol', {class: 'crumbs'}, ...form.panels.map(([name], index) => element('li', {class: index === at ? 'now' : ''}, name)));
  const panel = element('form', {id: 'panel', 'data-panel': title, onsubmit: event => {
    event.preventDefault();
    const given = new FormData(panel);
    for (const name of [...given.keys()]) answers.set(name, given.get(name));
    const empty = [...panel.querySelectorAll('input[type=text],textarea')].filter(one => !one.value.trim() && one.name !== 'folio');
    const without = [...panel.querySelectorAll('input[type=file]')].filter(one => !one.files.length);
    const radios = panel.querySelector('input[type=radio]') && !panel.querySelector('input[type=radio]:checked');
    if (empty.length || without.length || radios) { warn(panel, 'Please complete every field.'); return; }
    if (panel.querySelector('#nr-answer:not(.good)')) { warn(panel, 'The name approval number is not valid.'); return; }
    if (last) confirm(form, answers); else show(form, at + 1, answers);
  }}, ...draw(), element('button', {type: 'submit', id: 'continue'}, last ? 'Review and pay' : 'Continue'));
  app.replaceChildren(element('h1', {}, form.title), crumbs, panel);
  if (message) warn(panel, message);
  app.dataset.ready = 'true';
}

function warn(panel, message) {
  panel.querySelector('.v-alert.summary')?.remove();
  panel.prepend(element('p', {class: 'v-alert summary', id: 'form-error', role: 'alert'}, message));
}

async function confirm(form, answers) {
  const told = await (await fetch(`${base}/api/v1/fees/${form.kind}`)).json();
  const rows = [...answers.entries()].map(([name, value]) => element('tr', {}, element('th', {}, name), element('td', {}, value instanceof File ? value.name : value)));
  const moved = change === 'moved_submit', pane = element('section', {id: 'certify-and-pay'});
  const button = element('button', {type: 'button', id: moved ? 'file-with-registrar' : 'file-and-pay', onclick: () => send(form, answers, pane)}, moved ? 'Send to the Registrar' : 'File and pay');
  pane.append(...(moved ? [button] : []), element('h2', {}, 'Review, certify and pay'), element('table', {id: 'review'}, ...rows),
    element('p', {}, 'Fee: ', element('strong', {id: 'fee'}, told.fee)),
    text('certifiedBy', 'Legal name of the person who certifies'),
    tick('certify', 'I certify that I have relevant knowledge of the company and am authorized to make this filing.'),
    ...(moved ? [] : [button]), ' ', element('button', {type: 'button', id: 'back', onclick: () => show(form, 0, answers)}, 'Start over'));
  app.replaceChildren(element('h1', {}, form.title), pane);
}

async function send(form, answers, pane) {
  const name = pane.querySelector('#certifiedBy').value.trim();
  if (!name || !pane.querySelector('#certify').checked) { warn(pane, 'Certify the filing.'); return; }
  const body = new FormData();
  for (const [key, value] of answers) body.append(key, value);
  body.append('certifiedBy', name);
  let reply;
  try {
    reply = await fetch(`${base}/api/v1/filings/${form.kind}/submit`, {method: 'POST', body});
  } catch {
    lost(pane, 'The connection was lost. It is not known whether the filing was received.');
    return;
  }
  if (reply.status === 422) { warn(pane, (await reply.json()).message); return; }
  if (!reply.ok) { lost(pane, `The service answered ${reply.status}.`); return; }
  const filed = await reply.json();
  app.replaceChildren(element('section', {id: 'confirmation'}, element('h1', {}, 'Filing complete'),
    element('p', {}, 'Filing number: ', element('strong', {id: 'filing-number'}, filed.filingId)),
    element('p', {}, 'Company: ', element('span', {id: 'company-name'}, filed.name), ', ', element('span', {id: 'incorporation-number'}, filed.identifier)),
    element('p', {}, 'Paid: ', element('span', {id: 'paid'}, filed.paid)),
    element('p', {}, element('a', {id: 'certificate', href: `${base}/api/v1/filings/${filed.filingId}/certificate`}, 'Certificate (PDF)'))));
}

function lost(pane, message) {
  pane.prepend(element('p', {class: 'v-alert', id: 'service-error', role: 'alert'}, message));
}

async function filings(asked = '') {
  const box = element('input', {type: 'search', id: 'filings-search', value: asked, size: 40});
  const button = element('button', {type: 'button', id: 'filings-go', onclick: () => filings(box.value.trim())}, 'Search');
  const mine = ++turn, reply = await fetch(`${base}/api/v1/filings?q=${encodeURIComponent(asked)}`);
  const found = (await reply.json()).filings;
  if (mine !== turn) return;
  const head = element('tr', {}, ...['Filing', 'Company', 'Name', 'Kind', 'Folio', 'Filed'].map(name => element('th', {}, name)));
  const rows = found.map(one => element('tr', {class: 'filing', 'data-sha256': one.digests.join(' ')},
    ...['filingId', 'identifier', 'name', 'kind', 'folio', 'filed'].map(name => element('td', {class: name}, one[name]))));
  app.replaceChildren(element('h1', {}, 'My filings'), element('p', {}, box, ' ', button),
    ...(asked ? [element('p', {}, 'Results for ', element('span', {id: 'searched-for'}, asked))] : []),
    found.length ? element('table', {id: 'filings'}, element('thead', {}, head), element('tbody', {}, ...rows)) : element('p', {id: 'no-filings'}, 'No filings found.'));
  app.dataset.ready = 'true';
}

function route() {
  turn += 1;
  app.dataset.ready = 'false';
  const wanted = location.hash.replace('#/', '');
  if (FORMS[wanted]) show(FORMS[wanted], 0, new Map()); else filings();
}
window.addEventListener('hashchange', route);
route();
