// Shows the API document: operations by tag, with parameters, bodies and problem codes.

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

function limits(schema) {
  const said = [];
  if (schema.minimum !== undefined) said.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) said.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) said.push(`up to ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) said.push(`up to ${schema.maxItems}`);
  if (schema.default !== undefined) said.push(`${JSON.stringify(schema.default)} when left out`);
  return said.join(", ");
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
    const inner = resolved(api, field);
    rows.push(row([prefix + name + needed, typeOf(api, field), limits(inner)]));
    if (inner.properties) rows.push(...fields(api, inner, `${prefix}${name}.`));
    if (inner.items && resolved(api, inner.items).properties) {
      rows.push(...fields(api, inner.items, `${prefix}${name}[].`));
    }
  }
  return rows;
}

function bodySchema(api, operation) {
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  return schema?.anyOf ? schema.anyOf.find((one) => one.$ref) : schema;
}

function operationDetails(api, path, verb, operation) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("span", verb.toUpperCase(), "verb"), element("code", path));
  summary.append(element("span", operation.summary, "summary"));
  const inside = element("div");
  inside.append(element("p", operation.description ?? ""));
  if (operation.parameters?.length) {
    inside.append(table(["Parameter", "Type", "Limits"], operation.parameters.map((parameter) => row([
      `${parameter.name} (${parameter.in})`, typeOf(api, parameter.schema), limits(parameter.schema),
    ]))));
  }
  const schema = bodySchema(api, operation);
  if (schema) inside.append(table(["Body", "Type", "Limits"], fields(api, schema)));
  details.append(summary, inside);
  return details;
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
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  show(await response.json());
} catch (error) {
  const main = document.getElementById("operations");
  main.replaceChildren(element("p", `The API document could not be read: ${error.message}.`));
}
