"""A turn's video in a real browser: it has a length, plays, and can be sought in."""

import base64

import numpy as np
import pytest
from playwright.sync_api import Browser

from store_devices.hardware import Pixels
from store_devices.mirror.encoding import webm

PLAY = """
async (data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const video = document.createElement("video");
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], {type: "video/webm"}));
  document.body.append(video);
  await new Promise((done, failed) => {
    video.addEventListener("loadeddata", done);
    video.addEventListener("error", () => failed(new Error(video.error.message)));
  });
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const drawing = canvas.getContext("2d");
  const levels = [];
  for (const second of [1.5, 0.5]) {
    const shown = new Promise((done) => {
      const look = (_, {mediaTime}) =>
        Math.abs(mediaTime - second) < 0.06 ? done() : video.requestVideoFrameCallback(look);
      video.requestVideoFrameCallback(look);
    });
    video.currentTime = second;
    await shown; // "seeked" comes before there is anything to draw when the machine is busy
    drawing.drawImage(video, 0, 0);
    levels.push(drawing.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0]);
  }
  video.currentTime = 0;
  await video.play();
  await new Promise((done) => video.addEventListener("ended", done));
  return {length: video.duration, size: [video.videoWidth, video.videoHeight], levels};
}
"""


def _grey(level: int) -> Pixels:
    return np.full((160, 90, 3), level, dtype=np.uint8)


@pytest.mark.browser
def test_the_video_plays_and_can_be_sought_in(browser: Browser) -> None:
    """Two seconds that get brighter: the pictures at 1.5 and 0.5 seconds are those of that time."""
    video = webm((index / 10, _grey(20 + 10 * index)) for index in range(20))
    page = browser.new_page()
    try:
        told = page.evaluate(PLAY, base64.b64encode(video).decode())
    finally:
        page.close()
    assert told["size"] == [90, 160]
    assert 1.8 < told["length"] < 2.2
    late, early = told["levels"]
    assert abs(late - 170) < 15
    assert abs(early - 70) < 15
