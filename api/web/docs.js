// Shows the API document: operations by tag, each with who may call it, its parameters and bodies,
// and what was asked and answered once; and the problem codes.

const VERBS = ["get", "post", "put", "patch", "delete"];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function resolved(api, schema) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.replace("#/", "").split("/").reduce((at, key) => at[key], api);
}

function typeOf(api, schema) {
  const found = resolved(api, schema);
  if (found.anyOf) return found.anyOf.map((one) => typeOf(api, one)).join(" or ");
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.type === "array") return `list of ${typeOf(api, found.items)}`;
  if (found.type === "object" || found.properties) return "object";
  return found.format ?? found.type ?? "any";
}

// What may be null is shown by what else it may be.
function core(api, schema) {
  const found = resolved(api, schema);
  const kinds = (found.anyOf ?? []).filter((one) => one.type !== "null");
  return kinds.length === 1 ? { ...found, ...resolved(api, kinds[0]) } : found;
}

function limits(schema) {
  const said = [];
  if (schema.minimum !== undefined) said.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) said.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) said.push(`up to ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) said.push(`up to ${schema.maxItems}`);
  if (schema.default !== undefined) said.push(`${JSON.stringify(schema.default)} when left out`);
  const sentence = `${said.join(", ")}.`;
  return said.length ? sentence[0].toUpperCase() + sentence.slice(1) : "";
}

function notes(schema, description) {
  return [description, limits(schema)].filter(Boolean).join(" ");
}

function row(cells) {
  const made = element("tr");
  for (const cell of cells) made.append(element("td", cell));
  return made;
}

function table(titles, rows) {
  const made = element("table");
  const head = element("tr");
  for (const title of titles) head.append(element("th", title));
  made.append(head, ...rows);
  return made;
}

function fields(api, schema, prefix = "") {
  const found = resolved(api, schema);
  const rows = [];
  for (const [name, field] of Object.entries(found.properties ?? {})) {
    const needed = (found.required ?? []).includes(name) ? "" : " (may be left out)";
    const inner = core(api, field);
    rows.push(row([prefix + name + needed, typeOf(api, field), notes(inner, field.description)]));
    if (inner.properties) rows.push(...fields(api, inner, `${prefix}${name}.`));
    if (inner.items && core(api, inner.items).properties) {
      rows.push(...fields(api, inner.items, `${prefix}${name}[].`));
    }
  }
  return rows;
}

function bodySchema(operation) {
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  return schema?.anyOf ? schema.anyOf.find((one) => one.$ref) : schema;
}

function whoMay(operation) {
  if (operation.security.length === 0) return "For everybody; no key is asked for.";
  const scopes = operation.security[0].key;
  const needed = scopes.length ? `a key with ${scopes.join(", ")}` : "any key";
  return `Needs ${needed}; of the roles ${operation["x-roles"].join(", ")}.`;
}

function asText(example) {
  return typeof example === "string" ? example : JSON.stringify(example, null, 2);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// The example as somebody would type it.
function command(path, verb, operation) {
  const shown = (operation.parameters ?? []).filter((one) => one.example !== undefined);
  const query = new URLSearchParams();
  let filled = path;
  const lines = [];
  for (const { in: place, name, example } of shown) {
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(example));
    if (place === "query") query.set(name, example);
    if (place === "header") lines.push(`-H ${quoted(`${name}: ${example}`)}`);
  }
  if (operation.security.length) lines.push('-H "Authorization: Bearer $KEY"');
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    if (content.example === undefined) continue;
    lines.push(`-H ${quoted(`Content-Type: ${type}`)}`, `--data-raw ${quoted(asText(content.example))}`);
    break;
  }
  const target = `${location.origin}${filled}${query.size ? `?${query}` : ""}`;
  const method = verb === "get" ? "" : `-X ${verb.toUpperCase()} `;
  return [`curl ${method}${quoted(target)}`, ...lines].join(" \\\n  ");
}

function answers(operation) {
  const found = [];
  for (const [status, answer] of Object.entries(operation.responses)) {
    for (const content of Object.values(answer.content ?? {})) {
      if (content.example === undefined) continue;
      const exact = status === "4XX" ? content.example.status ?? status : status;
      found.push([exact, asText(content.example)]);
    }
  }
  return found;
}

function shownCode(title, text) {
  const made = element("figure");
  made.append(element("figcaption", title), element("pre", text));
  return made;
}

function operationDetails(api, path, verb, operation) {
  const details = element("details");
  details.id = operation.operationId;
  const summary = element("summary");
  summary.append(element("span", verb.toUpperCase(), "verb"), element("code", path));
  summary.append(element("span", operation.summary, "summary"));
  const inside = element("div");
  for (const part of (operation.description ?? "").split("\n\n")) inside.append(element("p", part));
  inside.append(element("p", whoMay(operation), "summary"));
  if (operation.parameters?.length) {
    inside.append(table(["Parameter", "Type", "Means"], operation.parameters.map((parameter) => row([
      `${parameter.name} (${parameter.in})`, typeOf(api, core(api, parameter.schema)),
      notes(core(api, parameter.schema), parameter.description),
    ]))));
  }
  const schema = bodySchema(operation);
  if (schema) inside.append(table(["Body", "Type", "Means"], fields(api, schema)));
  const said = answers(operation);
  if (said.length) inside.append(shownCode("For example", command(path, verb, operation)));
  for (const [status, text] of said) inside.append(shownCode(`answers ${status}`, text));
  details.append(summary, inside);
  return details;
}

function goTo(id) {
  const found = document.getElementById(id);
  if (found?.tagName === "DETAILS") found.open = true;
  found?.scrollIntoView();
}

function show(api) {
  const main = document.getElementById("operations");
  main.replaceChildren();
  const sections = new Map();
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const verb of VERBS.filter((one) => verbs[one])) {
      const tag = verbs[verb].tags?.[0] ?? "other";
      if (!sections.has(tag)) {
        sections.set(tag, element("section"));
        sections.get(tag).append(element("h2", tag));
        main.append(sections.get(tag));
      }
      sections.get(tag).append(operationDetails(api, path, verb, verbs[verb]));
    }
  }
  const problems = document.getElementById("problems");
  for (const problem of api["x-problem-codes"]) {
    const made = row([problem.code, problem.status, problem.title]);
    made.id = problem.code;
    problems.querySelector("tbody").append(made);
  }
  problems.hidden = false;
  if (location.hash) goTo(location.hash.slice(1));
}

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  show(await response.json());
} catch (error) {
  const main = document.getElementById("operations");
  main.replaceChildren(element("p", `The API document could not be read: ${error.message}.`));
}
