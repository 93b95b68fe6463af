import { describe, expect, it } from "vitest";
import { Camera, boundsOf } from "./camera.ts";

function cameraOf(stillness = true): Camera {
  const camera = new Camera(() => stillness);
  camera.resize(800, 400);
  camera.fit({ left: -2, right: 2, bottom: -1, top: 3 });
  return camera;
}

describe("bounds", () => {
  it("pass over points without a place", () => {
    const xy = Float32Array.from([NaN, 0, 1, 2, -3, 5, Infinity, 1]);
    expect(boundsOf(xy)).toEqual({ left: -3, right: 1, bottom: 2, top: 5 });
  });

  it("are a unit square of nothing", () => {
    expect(boundsOf(new Float32Array(0))).toEqual({ left: -0.5, right: 0.5, bottom: -0.5, top: 0.5 });
  });
});

describe("camera", () => {
  it("shows everything, with y upwards and the same scale for both", () => {
    const camera = cameraOf();
    expect(camera.toScreen({ x: 0, y: 1 })).toEqual({ x: 400, y: 200 });
    expect(camera.toScreen({ x: 0, y: 3 }).y).toBeCloseTo(20);
    expect(camera.view.scaleX).toBe(camera.view.scaleY);
  });

  it("stretches axes that are of two kinds", () => {
    const camera = cameraOf();
    camera.fit({ left: 0, right: 1, bottom: 0, top: 1000 }, true);
    expect(camera.toScreen({ x: 1, y: 1000 })).toEqual({ x: 760, y: 20 });
  });

  it("shows a single point", () => {
    const camera = cameraOf();
    camera.fit({ left: 7, right: 7, bottom: 7, top: 7 });
    expect(camera.toScreen({ x: 7, y: 7 })).toEqual({ x: 400, y: 200 });
  });

  it("goes to the screen and back", () => {
    const camera = cameraOf();
    camera.zoomAt({ x: 10, y: 20 }, 3);
    camera.panBy(-17, 29);
    const back = camera.toData(camera.toScreen({ x: 0.3, y: -0.7 }));
    expect(back.x).toBeCloseTo(0.3);
    expect(back.y).toBeCloseTo(-0.7);
  });

  it("keeps the place under the pointer while zooming, and during the glide", () => {
    const camera = cameraOf(false);
    const at = { x: 123, y: 45 };
    const place = camera.toData(at);
    camera.zoomAt(at, 8, true);
    for (const now of [0, 60, 120, 249, 300]) {
      camera.step(now);
      expect(camera.toScreen(place).x).toBeCloseTo(at.x, 3);
      expect(camera.toScreen(place).y).toBeCloseTo(at.y, 3);
    }
    expect(camera.gliding).toBe(false);
    expect(camera.zoom()).toBeCloseTo(8);
  });

  it("adds up glides that follow each other", () => {
    const camera = cameraOf(false);
    camera.zoomAt({ x: 400, y: 200 }, 2, true);
    camera.step(0);
    camera.zoomAt({ x: 400, y: 200 }, 2, true);
    camera.step(10);
    camera.step(1000);
    expect(camera.zoom()).toBeCloseTo(4);
  });

  it("jumps where motion is not wanted", () => {
    const camera = cameraOf(true);
    camera.zoomAt({ x: 400, y: 200 }, 2, true);
    expect(camera.zoom()).toBeCloseTo(2);
    expect(camera.gliding).toBe(false);
  });

  it("ends zooming somewhere", () => {
    const camera = cameraOf();
    for (let k = 0; k < 100; k++) camera.zoomAt({ x: 0, y: 0 }, 10);
    expect(camera.zoom()).toBeCloseTo(2000);
    for (let k = 0; k < 100; k++) camera.zoomAt({ x: 0, y: 0 }, 0.1);
    expect(camera.zoom()).toBeCloseTo(0.4);
  });

  it("keeps showing everything when resized, and a chosen part otherwise", () => {
    const camera = cameraOf();
    camera.resize(400, 400);
    expect(camera.toScreen({ x: 2, y: 1 }).x).toBeCloseTo(380);
    camera.zoomAt({ x: 0, y: 0 }, 2);
    const { x, scaleX } = camera.view;
    camera.resize(800, 400);
    expect(camera.view).toMatchObject({ x, scaleX });
  });

  it("looks where it is told", () => {
    const camera = cameraOf();
    camera.lookAt({ x: 1, y: 2 }, 5);
    expect(camera.toScreen({ x: 1, y: 2 })).toEqual({ x: 400, y: 200 });
    expect(camera.zoom()).toBeCloseTo(5);
    camera.lookAt({ x: 1, y: 2 }, 1e9);
    expect(camera.zoom()).toBeCloseTo(2000);
  });

  it("shows a part that was asked for before the screen had a size", () => {
    const camera = new Camera(() => true);
    camera.fit({ left: -2, right: 2, bottom: -1, top: 3 });
    camera.lookAt({ x: 1, y: 2 }, 5);
    camera.resize(800, 400);
    expect(camera.zoom()).toBeCloseTo(5);
    expect(camera.toScreen({ x: 1, y: 2 })).toEqual({ x: 400, y: 200 });
    expect(camera.view.scaleX).toBeCloseTo(cameraOf().view.scaleX * 5);
  });

  it("reveals a place and another beside it, as small as need be", () => {
    const camera = cameraOf();
    camera.zoomAt({ x: 400, y: 200 }, 10);
    camera.reveal({ x: 2, y: 3 }, { x: -2, y: -1 });
    for (const place of [{ x: 2, y: 3 }, { x: -2, y: -1 }]) {
      const { x, y } = camera.toScreen(place);
      expect(Math.min(x, y, 800 - x, 400 - y)).toBeGreaterThanOrEqual(39.9);
    }
  });

  it("reveals a place that is out of the picture", () => {
    const camera = cameraOf();
    camera.zoomAt({ x: 400, y: 200 }, 10);
    camera.reveal({ x: 2, y: 3 });
    expect(camera.toScreen({ x: 2, y: 3 })).toEqual({ x: 400, y: 200 });
  });
});
