/** At the door: the PIN, the age and a picture, kept until they are sent. */

import { h } from "./dom.js";

const LONGEST_PX = 1280;
const QUALITY = 0.72;
const PIN = /^\d{4}$/;

const DOCUMENTS = [
  ["id_card", "Identity card"],
  ["passport", "Passport"],
  ["driving_licence", "Driving licence"],
];

/** Whether something must be shown before this stop is done. */
export function needsProof(stop) {
  return (stop.proofs_required ?? []).length > 0;
}

/**
 * Ask for what an order wants at its door.
 *
 * @param {HTMLDialogElement} dialog
 * @param {{proofs_required: string[], age_limit: number}} stop
 * @returns {Promise<object[]|null>} proofs as they are sent, null when the courier goes back
 */
export function askProof(dialog, stop) {
  const wants = new Set(stop.proofs_required);
  const form = dialog.querySelector("form");
  const done = h("button.action", { type: "submit", value: "done", disabled: true }, "Delivered");
  const fields = [
    h("h2", { id: "door-title" }, wants.has("pin") ? "Ask for the PIN" : "Check the age"),
    wants.has("pin") ? pinField() : null,
    wants.has("age") ? ageField(stop.age_limit) : null,
    done,
    // Not the first button of the form: Enter must never mean going back.
    h("button.secondary", { type: "submit", value: "", formnovalidate: true }, "Go back"),
  ];
  form.replaceChildren(...fields.filter(Boolean));
  form.oninput = () => {
    done.disabled = !isComplete(form, wants);
  };
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "done" ? said(form, wants) : null),
      { once: true },
    );
  });
}

function pinField() {
  return h(
    "label.pin",
    {},
    h("span", {}, "The customer has it on their tracking page."),
    h("input", {
      name: "pin",
      inputmode: "numeric",
      pattern: "[0-9]{4}",
      maxlength: 4,
      autocomplete: "off",
      autofocus: true,
      required: true,
      "aria-label": "PIN, four digits",
    }),
  );
}

function ageField(limit) {
  return h(
    "fieldset.age",
    {},
    h("legend", {}, `Whoever takes it must be ${limit} or older. What did they show?`),
    ...DOCUMENTS.map(([value, label]) =>
      h(
        "label.choice",
        {},
        h("input", { type: "radio", name: "age", value, required: true }),
        h("span", {}, label),
      ),
    ),
  );
}

function isComplete(form, wants) {
  const given = new FormData(form);
  return (
    (!wants.has("pin") || PIN.test(given.get("pin") ?? "")) &&
    (!wants.has("age") || given.get("age") !== null)
  );
}

function said(form, wants) {
  const given = new FormData(form);
  const proofs = [];
  if (wants.has("pin")) proofs.push({ kind: "pin", value: given.get("pin") });
  if (wants.has("age")) proofs.push({ kind: "age", detail: given.get("age") });
  return proofs;
}

/**
 * A picture made small enough to keep and to send.
 *
 * @param {File} file as the camera gave it
 * @returns {Promise<string>} a data URL of a JPEG
 */
export async function smallPicture(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_PX / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return canvas.toDataURL("image/jpeg", QUALITY);
}

/** The bytes of a picture that was kept as a data URL. */
export function pictureBytes(url) {
  const [head, text] = url.split(",", 2);
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";", 1)[0] });
}
