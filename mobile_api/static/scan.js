// The scan page: a code from the camera, a photo or the keys is shown with a way to take it.

import { say } from "./app.js";
import { detector, readPhoto, watch } from "./lens.js";

const $ = (query) => document.querySelector(query);
const fault = (text) => { $("#scan-fault").textContent = text; };

async function found(code) {
  fault("");
  const answer = await fetch(`/scan/found?code=${encodeURIComponent(code)}`);
  $("#found").innerHTML = await answer.text();
  navigator.vibrate?.(30);
}

$("#photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  fault("");
  $("#found").innerHTML = '<div class="card found pulse"><span class="plate"></span><span class="skeleton"></span></div>';
  try {
    await found(await readPhoto(file));
  } catch (problem) {
    $("#found").innerHTML = "";
    fault(problem.code === "payload_too_large" ? say("too_large") : problem.code === "unreadable_photo" ? say("no_code") : problem.title || say("no_network"));
  } finally { event.target.value = ""; }
});

$("#typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = event.target.code.value.trim();
  if (code) found(code).catch(() => fault(say("no_network")));
});

const reader = await detector();
if (reader) {
  $("#start-camera").hidden = false;
  $("#photo-button").classList.add("plain");
  $("#start-camera").addEventListener("click", async () => {
    $("#start-camera").hidden = true;
    $("#finder").hidden = false;
    try {
      await watch(reader, $("#finder video"), (code) => found(code).catch(() => fault(say("no_network"))));
    } catch {
      $("#finder").hidden = true;
      $("#start-camera").hidden = false;
      fault(say("no_camera"));
    }
  });
}
