// Shows what the camera sees while the page has a place for it, one picture after the other.
// It keeps none: the last one goes with its element.

const NEXT_MS = 80;    // a dozen a second: a turn is followed, and the machine has time to record
const RETRY_MS = 400;  // there is none yet, or none any more

function next(after) { setTimeout(show, after); }

function show() {
  const place = document.querySelector("img[data-live]");
  if (!place) return next(RETRY_MS);
  const picture = new Image();
  picture.onload = () => { place.src = picture.src; next(NEXT_MS); };
  picture.onerror = () => next(RETRY_MS);
  picture.src = `/live?${Math.round(performance.now())}`;
}
show();
