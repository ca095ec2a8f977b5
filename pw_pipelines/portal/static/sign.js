// The pad: strokes of a pointer, kept as "x,y x,y;x,y ..." in the form's hidden field. Nothing leaves the page but by
// the form. Without this script the page works by the typed name.
"use strict";
(() => {
  const canvas = document.querySelector(".pad canvas");
  const field = document.querySelector("input[name=drawing]");
  if (!canvas || !field) return;
  const wide = Number(canvas.dataset.wide), high = Number(canvas.dataset.high);
  const said = document.querySelector("[data-said]");
  const LONGEST = 6900;
  let strokes = field.value ? field.value.split(";").map(s => s.split(" ").map(p => p.split(",").map(Number))) : [];
  let drawn = null;

  for (const hidden of document.querySelectorAll(".with-pad")) hidden.hidden = false;

  const paint = () => {
    const box = canvas.getBoundingClientRect(), dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * dense);
    canvas.height = Math.round(box.height * dense);
    const pen = canvas.getContext("2d"), scale = canvas.width / wide;
    pen.lineWidth = 4.5 * scale;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "#0d1f5c";
    for (const stroke of drawn ? [...strokes, drawn] : strokes) {
      pen.beginPath();
      pen.moveTo(stroke[0][0] * scale, stroke[0][1] * scale);
      for (const [x, y] of stroke) pen.lineTo(x * scale, y * scale);
      pen.stroke();
    }
  };
  const place = event => {
    const box = canvas.getBoundingClientRect();
    const bound = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
    return [bound((event.clientX - box.left) / box.width * wide, wide), bound((event.clientY - box.top) / box.height * high, high)];
  };
  const far = (a, b, least) => Math.hypot(a[0] - b[0], a[1] - b[1]) >= least;
  const thinned = (stroke, least) => stroke.filter((point, at, all) =>
    at === 0 || at === all.length - 1 || far(point, all[at - 1], least));
  const text = list => list.map(stroke => stroke.map(point => point.join(",")).join(" ")).join(";");
  const keep = () => {
    let kept = strokes;
    for (let least = 4; text(kept).length > LONGEST && least < 200; least *= 1.4) {
      kept = strokes.map(stroke => thinned(stroke.filter((_, at) => at % 2 === 0 || at === stroke.length - 1), least));
      strokes = kept;
    }
    field.value = text(kept);
    if (said) said.textContent = kept.length ? "Your drawing is your signature." : "";
    paint();
  };

  canvas.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    drawn = [place(event)];
    paint();
  });
  canvas.addEventListener("pointermove", event => {
    if (!drawn) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const point = place(one);
      if (far(point, drawn[drawn.length - 1], 3)) drawn.push(point);
    }
    paint();
  });
  const end = () => {
    if (!drawn) return;
    strokes.push(drawn);
    drawn = null;
    keep();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  document.querySelector("[data-clear]").addEventListener("click", () => { strokes = []; keep(); });
  window.addEventListener("resize", paint);
  keep();
})();
