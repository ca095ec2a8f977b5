// Draws the form section by section as the server describes it, uploads files as they are chosen, sends all at the end.
const SECTION_MS = 40, LATE_FIELD_MS = 150;
const base = document.body.dataset.base, widget = document.getElementById('rmd-widget'), kind = widget.dataset.kind;
const attachments = new Map();
let uploading = 0;

const pause = ms => new Promise(done => setTimeout(done, ms));

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function control(field) {
  const named = {name: field.name, id: `sp_formfield_${field.name}`};
  if (field.kind === 'textarea') return element('textarea', {...named, rows: 3});
  if (field.kind === 'select') {
    const none = element('option', {value: ''}, '-- None --');
    return element('select', named, none, ...field.options.map(([value, text]) => element('option', {value}, text)));
  }
  if (field.kind === 'file') return element('input', {...named, type: 'file', accept: 'application/pdf'});
  return element('input', {...named, type: field.kind === 'checkbox' ? 'checkbox' : 'text', autocomplete: 'off'});
}

function row(field) {
  const label = element('label', {'data-field': field.name}, field.label, field.required ? ' *' : '', control(field));
  const input = label.querySelector('[name]');
  if (field.kind === 'file') input.addEventListener('change', () => upload(field.name, input, label));
  return label;
}

async function upload(name, input, label) {
  label.querySelector('.attached')?.remove();
  attachments.delete(name);
  if (!input.files.length) return;
  const body = new FormData();
  body.append('field', name);
  body.append('uploadFile', input.files[0]);
  uploading += 1;
  try {
    const reply = await fetch(`${base}/api/now/attachment/upload`, {method: 'POST', body});
    const answer = await reply.json();
    if (!reply.ok) { complain([{field: name, message: answer.error.message}]); return; }
    attachments.set(name, answer.result.sys_id);
    label.append(element('span', {class: 'attached', 'data-sys-id': answer.result.sys_id}, `${answer.result.file_name} attached`));
  } catch {
    toast('The attachment could not be uploaded.');
  } finally { uploading -= 1; }
}

function later(form, field) {
  const other = form.querySelector(`[name="${field.when_field}"]`), holder = element('div', {class: 'late'});
  other.closest('label').after(holder);
  other.addEventListener('change', async () => {
    await pause(LATE_FIELD_MS);
    const wanted = field.when_values.includes(other.value);
    if (wanted && !holder.firstChild) holder.append(row(field));
    if (!wanted) holder.replaceChildren();
  });
}

function complain(errors) {
  document.getElementById('form-errors')?.remove();
  widget.prepend(element('div', {id: 'form-errors', class: 'errors', role: 'alert'},
    element('ul', {}, ...errors.map(error => element('li', {'data-field': error.field}, error.message)))));
}

function toast(text) {
  document.getElementById('notification')?.remove();
  widget.prepend(element('p', {id: 'notification', class: 'toast', role: 'status'}, text));
}

async function send(form, button) {
  if (uploading) { toast('Please wait until all attachments are uploaded.'); return; }
  const values = {};
  for (const input of form.querySelectorAll('[name]')) {
    if (input.type !== 'file') values[input.name] = input.type === 'checkbox' ? String(input.checked) : input.value;
  }
  button.disabled = true;
  document.getElementById('form-errors')?.remove();
  try {
    const reply = await fetch(`${base}/api/x_g_fmc_rmd/rmd/submit`, {
      method: 'POST', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({kind, values, attachments: [...attachments.values()]}),
    });
    if (reply.status === 422) { complain((await reply.json()).errors); button.disabled = false; return; }
    if (!reply.ok) throw new Error(reply.status);
    const taken = (await reply.json()).result;
    widget.replaceChildren(element('section', {id: 'confirmation'},
      element('h2', {}, 'Thank you'), element('p', {}, 'Your submission has been submitted.'),
      element('p', {}, 'RMD number: ', element('strong', {id: 'confirmation-number'}, taken.number)),
      element('p', {}, `Filed on ${taken.filed}`)));
  } catch {
    toast('Something went wrong while your request was processed.');
    button.disabled = false;
  }
}

async function draw() {
  const reply = await fetch(`${base}/api/now/sp/widget/rmd_form?kind=${kind}`);
  const spec = (await reply.json()).result.data;
  const form = element('form', {id: 'rmd-form', 'data-ready': 'false', autocomplete: 'off', novalidate: ''});
  form.addEventListener('submit', event => event.preventDefault());
  widget.replaceChildren(form);
  const button = element('button', {id: spec.submit_id, type: 'button', class: 'btn-primary'}, spec.submit_label);
  button.addEventListener('click', () => send(form, button));
  if (spec.submit_place === 'top') form.append(button);
  for (const section of spec.sections) {
    await pause(SECTION_MS);
    const always = section.fields.filter(field => !field.when_field);
    const body = element('div', {class: 'body'}, ...always.map(row));
    form.append(element('section', {class: 'panel'}, element('h2', {}, section.title), body));
    section.fields.filter(field => field.when_field).forEach(field => later(form, field));
  }
  if (spec.submit_place !== 'top') form.append(button);
  form.dataset.ready = 'true';
}

draw();
