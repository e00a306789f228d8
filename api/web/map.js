/** The quiet map both pages share: our own tiles, colours from the style sheet, own labels. */

const LABEL = "label:";
const LABEL_RATIO = 2;
/** A city's data thins out before its bounds: this much of them may lie outside the view. */
const EDGE_SHARE = 0.02;

/** Highway classes by how wide they are drawn; whatever is not named here is a path. */
const MAJOR = [
  "motorway",
  "trunk",
  "primary",
  "secondary",
  "motorway_link",
  "trunk_link",
  "primary_link",
  "secondary_link",
];
const MINOR = [
  "tertiary",
  "tertiary_link",
  "residential",
  "unclassified",
  "living_street",
  "pedestrian",
  "road",
];
const SERVICE = ["service", "busway"];
/** Widths of a closed street's tape by zoom, and of the edge around it. */
const TAPE = { band: [13, 3.5, 16, 8, 19, 22], edge: [13, 5.5, 16, 11, 19, 26] };

/** The value of a custom property of the style sheet. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Draw a zone's map into a container.
 *
 * @param {HTMLElement} container
 * @param {{city: string, bounds: number[], attribution: string}} zone
 * @param {{padding?: object|number}} [options] room to keep around the zone, in px
 * @returns {maplibregl.Map|null} null where the browser cannot draw one; the page says so
 */
export function createMap(container, zone, { padding = 24 } = {}) {
  container.append(attribution(zone.attribution));
  const bounds = grown(zone.bounds, -EDGE_SHARE);
  let map;
  try {
    map = new globalThis.maplibregl.Map({
      container,
      style: style(zone),
      bounds,
      fitBoundsOptions: { padding },
      maxBounds: grown(zone.bounds, 2),
      minZoom: 6,
      maxZoom: 19,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 200,
    });
  } catch (error) {
    // WebGL can be off or exhausted; the lists beside the map go on without it.
    container.append(cannotDraw(error));
    return null;
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.getCanvas().setAttribute("aria-label", "Map of the zone");
  map.on("styleimagemissing", ({ id }) => addLabel(map, id));
  map.fitZone = () => map.fitBounds(bounds, { padding, duration: calm() ? 0 : 500 });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => recolour(map));
  return map;
}

/** Whether the reader asked for less movement. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Buttons to zoom and to see everything, as one element.
 *
 * @param {maplibregl.Map} map
 * @param {string} [wholeName] what the last button shows
 * @param {Function} [showWhole] how; the whole zone unless told
 */
export function mapControls(map, wholeName = "Show the whole zone", showWhole = map.fitZone) {
  const box = document.createElement("div");
  box.className = "map-controls";
  const shapes = {
    "Zoom in": ["M5 12h14M12 5v14", () => map.zoomIn()],
    "Zoom out": ["M5 12h14", () => map.zoomOut()],
    [wholeName]: ["M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5", () => showWhole()],
  };
  for (const [name, [shape, act]] of Object.entries(shapes)) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", name);
    button.title = name;
    button.append(icon(shape));
    button.addEventListener("click", act);
    box.append(button);
  }
  return box;
}

function icon(shape) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: 20,
    height: 20,
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 2,
    "stroke-linecap": "round",
    "aria-hidden": "true",
  })) {
    svg.setAttribute(name, value);
  }
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shape);
  svg.append(path);
  return svg;
}

function attribution(text) {
  const box = document.createElement("div");
  box.className = "attribution";
  const source = document.createElement("a");
  source.href = "https://www.openstreetmap.org/copyright";
  source.textContent = text;
  const licence = document.createElement("a");
  licence.href = "https://opendatacommons.org/licenses/odbl/";
  licence.textContent = "ODbL";
  for (const link of [source, licence]) {
    link.target = "_blank";
    link.rel = "noopener";
  }
  box.append(source, " · ", licence);
  return box;
}

function cannotDraw(error) {
  const box = document.createElement("p");
  box.className = "map-failed";
  box.setAttribute("role", "alert");
  box.textContent =
    "This browser cannot draw the map: WebGL is off. Everything else on this page works; " +
    "turn on hardware acceleration to see the map.";
  box.title = String(error);
  return box;
}

/** Bounds grown (or shrunk) by a share of their longer side on every side. */
function grown([west, south, east, north], share) {
  const high = share * Math.max(north - south, (east - west) / 2);
  const wide = share * Math.max(east - west, (north - south) * 2);
  return [
    [west - wide, south - high],
    [east + wide, north + high],
  ];
}

// --- the style -------------------------------------------------------------------------------

/** A MapLibre expression: `value` at each zoom given, exponential between. */
function byZoom(...stops) {
  return ["interpolate", ["exponential", 1.6], ["zoom"], ...stops];
}

function among(classes) {
  return ["in", ["get", "class"], ["literal", classes]];
}

function line(id, filter, paint, layout = {}) {
  return {
    id,
    type: "line",
    source: "city",
    "source-layer": "streets",
    filter,
    layout: { "line-cap": "round", "line-join": "round", ...layout },
    paint,
  };
}

function tape(id, paint) {
  const layout = { "line-cap": "butt", "line-join": "round" };
  return { id, type: "line", source: "closed", layout, paint };
}

function area(id, layer, paint) {
  return { id, type: "fill", source: "city", "source-layer": layer, paint };
}

function style({ city, bounds }) {
  const known = [...MAJOR, ...MINOR, ...SERVICE];
  const widths = {
    service: byZoom(13, 0.5, 16, 3, 19, 16),
    minor: byZoom(13, 1.2, 16, 7, 19, 36),
    major: byZoom(13, 2, 16, 10, 19, 52),
  };
  const edges = {
    service: byZoom(13, 0.8, 16, 4, 19, 18),
    minor: byZoom(13, 1.8, 16, 8.4, 19, 38),
    major: byZoom(13, 3, 16, 11.6, 19, 54),
  };
  const classes = { service: among(SERVICE), minor: among(MINOR), major: among(MAJOR) };
  return {
    version: 8,
    sources: {
      city: {
        type: "vector",
        tiles: [`${location.origin}/tiles/{z}/{x}/{y}.mvt?city=${encodeURIComponent(city)}`],
        minzoom: 6,
        maxzoom: 17,
        bounds,
      },
      edge: { type: "geojson", data: rectangle(bounds) },
      ways: { type: "geojson", data: nothing() },
      closed: { type: "geojson", data: nothing() },
      closing: { type: "geojson", data: nothing() },
    },
    layers: [
      { id: "void", type: "background", paint: { "background-color": colour("--map-void") } },
      area("land", "land", { "fill-color": colour("--map-land"), "fill-antialias": false }),
      area("green", "green", { "fill-color": colour("--map-green"), "fill-antialias": false }),
      area("water", "water", { "fill-color": colour("--map-water") }),
      {
        ...line("waterway", ["all"], {
          "line-color": colour("--map-water"),
          "line-width": byZoom(13, 1, 16, 5, 19, 24),
        }),
        "source-layer": "waterways",
      },
      line("path", ["!", among(known)], {
        "line-color": colour("--map-path"),
        "line-width": byZoom(14, 0.5, 16, 1.4, 19, 5),
        "line-opacity": ["interpolate", ["linear"], ["zoom"], 13.5, 0, 15, 1],
      }),
      ...Object.keys(widths).map((kind) =>
        line(`${kind}-edge`, classes[kind], {
          "line-color": colour("--map-street-edge"),
          "line-width": edges[kind],
        }),
      ),
      ...Object.keys(widths).map((kind) =>
        line(kind, classes[kind], {
          "line-color": colour("--map-street"),
          "line-width": widths[kind],
        }),
      ),
      {
        ...line("rail", ["all"], {
          "line-color": colour("--map-rail"),
          "line-width": byZoom(13, 0.6, 16, 1.4, 19, 4),
        }),
        "source-layer": "rail",
      },
      area("building", "buildings", {
        "fill-color": colour("--map-building"),
        "fill-outline-color": colour("--map-building-edge"),
      }),
      {
        // The city ends where its data ends; a soft edge says that this is meant.
        id: "edge",
        type: "line",
        source: "edge",
        layout: { "line-join": "miter" },
        paint: {
          "line-color": colour("--map-void"),
          "line-width": byZoom(12, 16, 15, 72, 17, 144),
          "line-blur": byZoom(12, 16, 15, 72, 17, 144),
        },
      },
      tape("closed-edge", { "line-color": colour("--closed"), "line-width": byZoom(...TAPE.edge) }),
      tape("closed-tape", { "line-color": colour("--closed-tape"), "line-width": byZoom(...TAPE.band) }),
      tape("closed", {
        "line-color": colour("--closed"),
        "line-width": byZoom(...TAPE.band),
        "line-dasharray": [1.2, 1.2],
      }),
      {
        id: "ways",
        type: "line",
        source: "ways",
        filter: ["==", ["get", "kind"], "way"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-color": colour("--ink"),
          "line-opacity": 0.22,
          "line-width": byZoom(13, 1.5, 16, 3),
        },
      },
      {
        id: "chosen-later",
        type: "line",
        source: "ways",
        filter: ["==", ["get", "kind"], "later"],
        layout: { "line-cap": "butt", "line-join": "round" },
        paint: {
          "line-color": colour("--choice"),
          "line-opacity": 0.75,
          "line-width": byZoom(13, 2, 16, 4),
          "line-dasharray": [1.5, 1],
        },
      },
      {
        id: "chosen",
        type: "line",
        source: "ways",
        filter: ["==", ["get", "kind"], "chosen"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-color": colour("--choice"),
          "line-width": byZoom(13, 3, 16, 6),
        },
      },
      ...["closing-edge", "closing"].map((id) => ({
        id,
        type: "line",
        source: "closing",
        filter: ["==", ["get", "kind"], "closing"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-color": colour(id === "closing" ? "--closed" : "--closed-tape"),
          "line-width": byZoom(...(id === "closing" ? TAPE.band : TAPE.edge)),
        },
      })),
      {
        id: "closing-points",
        type: "circle",
        source: "closing",
        filter: ["==", ["get", "kind"], "point"],
        paint: {
          "circle-radius": 5,
          "circle-color": colour("--closed-tape"),
          "circle-stroke-color": colour("--closed"),
          "circle-stroke-width": 2.5,
        },
      },
      {
        id: "street-names",
        type: "symbol",
        source: "city",
        "source-layer": "streets",
        minzoom: 13.5,
        filter: ["all", ["has", "name"], ["any", classes.minor, classes.major]],
        layout: {
          "symbol-placement": "line",
          "symbol-spacing": 360,
          "symbol-sort-key": ["case", classes.major, 0, 1],
          "icon-image": ["concat", LABEL, ["get", "name"]],
          "icon-rotation-alignment": "map",
          "icon-keep-upright": true,
          // The box that keeps labels apart does not turn with the street: make it near square.
          "icon-padding": [32, 8, 32, 8],
        },
      },
    ],
  };
}

const PAINTED = [
  ["void", "background-color", "--map-void"],
  ["land", "fill-color", "--map-land"],
  ["green", "fill-color", "--map-green"],
  ["water", "fill-color", "--map-water"],
  ["waterway", "line-color", "--map-water"],
  ["path", "line-color", "--map-path"],
  ["service-edge", "line-color", "--map-street-edge"],
  ["minor-edge", "line-color", "--map-street-edge"],
  ["major-edge", "line-color", "--map-street-edge"],
  ["service", "line-color", "--map-street"],
  ["minor", "line-color", "--map-street"],
  ["major", "line-color", "--map-street"],
  ["rail", "line-color", "--map-rail"],
  ["building", "fill-color", "--map-building"],
  ["building", "fill-outline-color", "--map-building-edge"],
  ["edge", "line-color", "--map-void"],
  ["ways", "line-color", "--ink"],
  ["chosen", "line-color", "--choice"],
  ["chosen-later", "line-color", "--choice"],
  ["closed-edge", "line-color", "--closed"],
  ["closed-tape", "line-color", "--closed-tape"],
  ["closed", "line-color", "--closed"],
  ["closing-edge", "line-color", "--closed-tape"],
  ["closing", "line-color", "--closed"],
  ["closing-points", "circle-color", "--closed-tape"],
  ["closing-points", "circle-stroke-color", "--closed"],
];

/** Take the colours from the style sheet again: day and night have changed places. */
function recolour(map) {
  for (const [layer, property, name] of PAINTED) map.setPaintProperty(layer, property, colour(name));
  for (const id of map.listImages().filter((name) => name.startsWith(LABEL))) {
    map.updateImage(id, labelImage(id.slice(LABEL.length)));
  }
}

function rectangle([west, south, east, north]) {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** An empty collection of GeoJSON features. */
export function nothing() {
  return { type: "FeatureCollection", features: [] };
}

/** A GeoJSON line of a kind the style knows: `way`, `chosen`, `later`, `closed` or `closing`. */
export function wayFeature(kind, coordinates) {
  return { type: "Feature", properties: { kind }, geometry: { type: "LineString", coordinates } };
}

/** A GeoJSON point of a kind the style knows: `point`, a click along a street to be closed. */
export function pointFeature(kind, coordinates) {
  return { type: "Feature", properties: { kind }, geometry: { type: "Point", coordinates } };
}

/** Draw closed streets as barrier tape; nothing is handed over while they stay the same. */
export function drawClosed(map, closures) {
  const source = map.getSource("closed");
  const drawn = closures.map((closure) => closure.id).join(" ");
  if (!source || source.drawn === drawn) return;
  source.drawn = drawn;
  const lines = closures.flatMap((closure) => closure.lines);
  source.setData({ ...nothing(), features: lines.map((each) => wayFeature("closed", each)) });
}

// --- names of streets, without a glyph server ---------------------------------------------------

function addLabel(map, id) {
  if (!id.startsWith(LABEL) || map.hasImage(id)) return;
  map.addImage(id, labelImage(id.slice(LABEL.length)), { pixelRatio: LABEL_RATIO });
}

function labelImage(name) {
  const canvas = document.createElement("canvas");
  const font = `500 ${11 * LABEL_RATIO}px ${colour("--font")}`;
  let brush = canvas.getContext("2d");
  brush.font = font;
  const width = Math.ceil(brush.measureText(name).width) + 8 * LABEL_RATIO;
  const height = 16 * LABEL_RATIO;
  canvas.width = width;
  canvas.height = height;
  brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.font = font;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.lineJoin = "round";
  brush.lineWidth = 3 * LABEL_RATIO;
  brush.strokeStyle = colour("--map-label-halo");
  brush.strokeText(name, width / 2, height / 2);
  brush.fillStyle = colour("--map-label");
  brush.fillText(name, width / 2, height / 2);
  return brush.getImageData(0, 0, width, height);
}
