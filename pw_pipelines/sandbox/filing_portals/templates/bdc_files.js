// Uploads each file as it is chosen, asks until it is processed, then lets the certification be opened and sent.
const POLL_MS = 120;
const base = document.body.dataset.base, root = document.getElementById('bdc-submission');
const service = `${base}/bdc/api/submissions/${root.dataset.key}`;
const open = document.getElementById('open-certification'), dialog = document.getElementById('certification');
const message = document.getElementById('bdc-message'), inputs = [...root.querySelectorAll('#bdc-files input')];
const processed = new Set();

async function process(input) {
  const status = document.getElementById(`status-${input.name}`), body = new FormData();
  processed.delete(input.name);
  open.disabled = true;
  body.append('field', input.name);
  body.append('file', input.files[0]);
  try {
    let reply = await fetch(`${service}/files`, {method: 'POST', body});
    let told = await reply.json();
    while (reply.ok && told.status === 'Processing') {
      status.textContent = 'Processing…';
      await new Promise(done => setTimeout(done, POLL_MS));
      reply = await fetch(`${service}/files/${input.name}`);
      told = await reply.json();
    }
    if (!reply.ok) { status.textContent = 'Failed'; message.textContent = told.error; return; }
    processed.add(input.name);
    open.disabled = processed.size < inputs.length;
    status.textContent = `Processed: ${told.file}`;
  } catch {
    status.textContent = 'Failed';
    message.textContent = 'The file could not be uploaded.';
  }
}

function receipt(taken) {
  const box = document.createElement('div');
  box.id = 'bdc-receipt';
  const words = document.createElement('p'), number = document.createElement('strong');
  words.textContent = `Your data were submitted on ${taken.filed}. Confirmation: `;
  number.id = 'bdc-confirmation';
  number.textContent = taken.confirmation;
  words.append(number);
  box.append(words);
  root.replaceChildren(box);
}

async function send(button) {
  const value = name => document.getElementById(name).value;
  button.disabled = true;
  document.getElementById('certification-errors').textContent = '';
  try {
    const reply = await fetch(`${base}/bdc/api/submit`, {
      method: 'POST', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({key: root.dataset.key, officer_name: value('officer_name'), officer_title: value('officer_title'),
        officer_email: value('officer_email'), certified: document.getElementById('certified').checked}),
    });
    const told = await reply.json();
    if (reply.status === 422) {
      document.getElementById('certification-errors').textContent = told.errors.join(' ');
      button.disabled = false;
      return;
    }
    if (!reply.ok) throw new Error(reply.status);
    receipt(told);
  } catch {
    dialog.hidden = true;
    message.textContent = 'The system did not respond.';
    button.disabled = false;
  }
}

for (const input of inputs) input.addEventListener('change', () => { if (input.files.length) process(input); });
open.addEventListener('click', () => { dialog.hidden = false; });
document.getElementById('cancel').addEventListener('click', () => { dialog.hidden = true; });
document.getElementById('submit-data').addEventListener('click', event => send(event.target));
