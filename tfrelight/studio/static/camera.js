// A photo from the camera.

export async function takePhoto(window_, video, take, close) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } },
  });
  // Before its first frame there is nothing to take.
  take.disabled = true;
  video.onloadeddata = () => (take.disabled = false);
  video.srcObject = stream;
  window_.showModal();
  try {
    return await new Promise((resolve) => {
      take.onclick = () => {
        const canvas = document.createElement("canvas");
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => resolve(new File([blob], "camera.png", { type: "image/png" })), "image/png");
      };
      close.onclick = () => resolve(null);
      window_.onclose = () => resolve(null);
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    window_.onclose = null;
    window_.close();
  }
}
