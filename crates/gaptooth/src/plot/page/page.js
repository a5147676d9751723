"use strict";
(() => {
  const width = 960, height = 420, left = 64, right = 14, top = 14, bottom = 46;
  const make = (name, attributes, parent, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };

  // Multiples of 1, 2 or 5 powers of ten inside [lo, hi], with enough decimals to tell them apart.
  const ticks = ([lo, hi]) => {
    const rough = (hi - lo) / 6, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((f) => f * power >= 0.8 * rough) || 10);
    const small = Math.max(Math.abs(lo), Math.abs(hi)) < 1e-3, decimals = Math.max(0, -Math.floor(Math.log10(step * 1.0001)));
    const list = [];
    for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + 1e-9 * (hi - lo); i++) {
      const text = small && i !== 0 ? (i * step).toExponential(1) : (i * step).toFixed(small ? 0 : Math.min(decimals, 12));
      list.push([i * step, text.replace("-", "−")]);
    }
    return list;
  };

  const axes = (svg, film, px, py) => {
    const grey = { stroke: "#e6e6e6", "stroke-width": 1 };
    const label = { "font-size": 13, fill: "#1a1a1a" };
    for (const [v, text] of ticks(film.x)) {
      make("line", { x1: px(v), x2: px(v), y1: top, y2: height - bottom, ...grey }, svg);
      make("text", { x: px(v), y: height - bottom + 19, "text-anchor": "middle", ...label }, svg, text);
    }
    for (const [v, text] of ticks(film.y)) {
      make("line", { x1: left, x2: width - right, y1: py(v), y2: py(v), ...grey }, svg);
      make("text", { x: left - 9, y: py(v) + 4.5, "text-anchor": "end", ...label }, svg, text);
    }
    make("text", { x: (left + width - right) / 2, y: height - 7, "text-anchor": "middle", ...label, "font-size": 14 }, svg, "x");
    make("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom, fill: "none", stroke: "#333" }, svg);
  };

  const legend = (section, film) => {
    const list = document.createElement("p");
    list.style.cssText = "display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;margin:0 0 .2rem;padding-left:6.5%";
    for (const track of film.tracks) {
      const item = document.createElement("span");
      const key = make("svg", { width: 26, height: 12, "aria-hidden": "true", style: "width:26px;display:inline;margin:0 .5rem 0 0" }, item);
      if (track.mark === "points") make("circle", { cx: 13, cy: 6, r: 4.5, fill: track.color }, key);
      else make("line", { x1: 0, x2: 26, y1: 6, y2: 6, stroke: track.color, "stroke-width": 2.4, "stroke-dasharray": track.mark === "dashed" ? "6 4" : "none" }, key);
      item.append(track.label);
      list.appendChild(item);
    }
    section.insertBefore(list, section.querySelector(".stage"));
  };

  const start = (section, film) => {
    const stage = section.querySelector(".stage");
    const px = (v) => left + ((v - film.x[0]) / (film.x[1] - film.x[0])) * (width - left - right);
    const py = (v) => height - bottom - ((v - film.y[0]) / (film.y[1] - film.y[0])) * (height - top - bottom);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": section.getAttribute("aria-label") }, stage);
    axes(svg, film, px, py);
    legend(section, film);
    // Points over lines, whatever the order of the tracks.
    const layers = [make("g", {}, svg), make("g", {}, svg)];
    const paths = film.tracks.map((track) => make("path", track.mark === "points"
      ? { fill: track.color }
      : { fill: "none", stroke: track.color, "stroke-width": 2, "stroke-linejoin": "round", "stroke-dasharray": track.mark === "dashed" ? "6 4" : "none" }, layers[track.mark === "points" ? 1 : 0]));
    const columns = film.tracks.map((track) => track.x.map((v) => px(v).toFixed(1)));

    const slider = section.querySelector("input"), button = section.querySelector("button"), output = section.querySelector("output");
    const last = film.times.length - 1;
    slider.max = Math.max(last, 0);
    const show = (frame) => {
      film.tracks.forEach((track, k) => {
        let d = "", pen = "M";
        track.frames[frame].forEach((v, i) => {
          if (v === null) { pen = "M"; return; }
          const x = columns[k][i], y = py(v).toFixed(1);
          if (track.mark === "points") d += `M${x} ${y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0`;
          else { d += `${pen}${x} ${y}`; pen = "L"; }
        });
        paths[k].setAttribute("d", d);
      });
      slider.value = frame;
      const time = film.times[frame] === undefined ? "" : Number(film.times[frame].toPrecision(4));
      output.textContent = `t = ${time}`;
      slider.setAttribute("aria-valuetext", output.textContent);
    };

    let playing = false, begun = 0;
    const seconds = 6; // for the whole film, whatever its frames
    const step = (now) => {
      if (!playing) return;
      const frame = Math.floor(((now - begun) / (1000 * seconds)) * last);
      show(Math.min(frame, last));
      if (frame >= last) stop(); else requestAnimationFrame(step);
    };
    const stop = () => { playing = false; button.textContent = "Play"; };
    button.addEventListener("click", () => {
      if (playing) { stop(); return; }
      const from = Number(slider.value) >= last ? 0 : Number(slider.value);
      begun = performance.now() - (from / Math.max(last, 1)) * 1000 * seconds;
      playing = true;
      button.textContent = "Pause";
      requestAnimationFrame(step);
    });
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    if (last >= 0) show(0);
  };

  const films = JSON.parse(document.getElementById("films").textContent);
  document.querySelectorAll("section.film").forEach((section, i) => start(section, films[i]));

  // For .ci/check_page.py: what is really drawn, not what should be.
  const drawn = (selector) => [...document.querySelectorAll(selector)].filter((svg) => {
    const box = svg.getBoundingClientRect();
    return box.width > 50 && box.height > 50 && svg.querySelector("path, polyline, line, image");
  }).length;
  const root = document.documentElement.dataset;
  root.figuresDrawn = drawn("figure .drawing > svg");
  root.filmsDrawn = [...document.querySelectorAll(".film .stage > svg")].filter((svg) => svg.querySelector("path[d]:not([d=''])")).length;
  root.ready = "true";
})();
