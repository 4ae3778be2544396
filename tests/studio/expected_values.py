"""What the page's JavaScript must compute, computed by the package itself for the tests in js/."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
from scipy import ndimage

from tfrelight import color, harmonics
from tfrelight.data.portrait import PARTS
from tfrelight.faces import find, framing
from tfrelight.lights import PRESETS, Light, colors, directions, sphere
from tfrelight.photos import Photo
from tfrelight.relighting import decomposition, face_maps, ratio_image
from tfrelight.studio import photo_data


def values() -> dict:
    """All expected values, as JSON can hold them."""
    rng = np.random.default_rng(0)
    return {
        "color": colour_values(),
        "harmonics": harmonics_values(rng),
        "presets": {
            name: {
                "lamps": preset.lamps,
                "light": json.loads(Light.preset(name).json()),
            }
            for name, preset in PRESETS.items()
        },
        "box_filter": box_filter_values(rng),
        "photo": photo_values(rng),
    }


def rows(light):
    return np.asarray(light, float).tolist()


def colour_values():
    levels = np.linspace(0, 1, 52)
    # And around the end of the straight piece of each curve.
    levels = np.concatenate([levels, [0.0031, 0.0032, 0.0034, 0.0404, 0.0405, 0.0424]])
    kelvins = [1000, 1500, 1900, 2700, 4000, 5000, 6500, 9000, 12000, 15000]
    return {
        "luminance": color.LUMINANCE,
        "levels": levels.tolist(),
        "linear": color.to_linear_numpy(levels).tolist(),
        "encoded": color.to_srgb_numpy(levels).tolist(),
        "temperatures": [[kelvin, colors.of_temperature(kelvin).tolist()] for kelvin in kelvins],
        "hex": [
            [text, colors.named(text).tolist()]
            for text in ("#000000", "#ffffff", "#0a0b0c", "#ffe0b0", "#12a9fe")
        ],
    }


def harmonics_values(rng):
    normals = unit(rng.normal(size=(40, 3)))
    lights = [rng.normal(size=(9, 3)) for _ in range(3)] + [
        Light.preset("sunset").coefficients,
        Light.preset("rim").coefficients,
        Light.even(0.7, (1, 0.5, 0.2)).coefficients,
        np.zeros((9, 3)),
    ]
    visible, _ = sphere.visible_normals(48)
    places = [(0, 0), (60, 15), (-125, -40), (179, 80), (-90, 0), (30, 90), (10, -90)]
    lamps = [(45, 25, 0, (1, 1, 1)), (-100, -30, 20, (1, 0.5, 0)), (10, 80, 90, (0.2, 0.3, 4))]
    return {
        "normals": normals.tolist(),
        "basis": harmonics.basis(normals).tolist(),
        "lights": [rows(light) for light in lights],
        "shading": [harmonics.shade(normals, light).tolist() for light in lights],
        "exposure": [Light(light).exposure for light in lights],
        "mean_shading": [
            np.maximum(harmonics.shade(visible, light), 0).mean(0).tolist() for light in lights
        ],
        "directions": [
            [azimuth, elevation, directions.direction_vector(azimuth, elevation).tolist()]
            for azimuth, elevation in places
        ],
        "angles": [[normal.tolist(), directions.angles(normal)] for normal in normals],
        "rotations": [
            [rows(light), azimuth, rows(Light(light).rotated(azimuth=azimuth))]
            for light in lights[:4]
            for azimuth in (-120, 17, 90, 180)
        ],
        "lamps": [
            [*place, shade, rows(Light.from_direction(*place[:2], color=shade, radius=place[2]))]
            for *place, shade in lamps
        ],
        "even": rows(Light.even(1, (0.7, 0.35, 0.14))),
    }


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def box_filter_values(rng):
    cases = []
    for size, radius in [(1, 1), (5, 1), (8, 3), (7, 9)]:
        plane = rng.random((size, size), np.float32)
        means = ndimage.uniform_filter(plane, 2 * radius + 1, mode="nearest")
        cases.append([size, radius, plane.ravel().tolist(), means.ravel().tolist()])
    return cases


def photo_values(rng):
    """A photo with two people, one with a body, as the page gets it, and under other lights."""
    photo = Photo(rng.integers(0, 256, (40, 60, 3), np.uint8), input_type="array")
    faces = [face(rng, 24, (4.0, 3.0), 30.0), face(rng, 16, (33.0, 8.0), 22.0)]
    body = with_parts(rng, face(rng, 20, (0.0, 4.0), 36.0))
    body = dataclasses.replace(body, face=faces[0].face, head_window=faces[0].window)
    faces[0] = dataclasses.replace(with_parts(rng, faces[0]), body=body)
    fields = {"found": 3, "whole_image": False, "what": "person"}
    decomposed = decomposition.Decomposition(photo, tuple(faces))
    block = photo_data.encode(decomposed, fields)
    prepared = decomposed.relightable
    return {
        "block": base64.b64encode(block).decode(),
        "pixels": photo.as_uint8().ravel().tolist(),
        "guide": [one.maps.guide.ravel().tolist() for one in prepared],
        "own": [rows(one.maps.light) for one in prepared],
        "relit": [
            relit(prepared, decomposed.head_indices, light, strength, stops)
            for light, strength, stops in [
                (Light.preset("left"), 1, 0),
                (Light.preset("sunset"), 0.6, 0.8),
                # Bright enough for the shoulder, and for more than the largest factor.
                (Light.from_direction(-60, 10), 1, 2),
                (Light.from_direction(180, 0), 1, 0),
                (Light.preset("neon"), 0, 0),
                # Lamps at the camera and in the zenith, small and large, and one of no light.
                (sum_of((0, 0, 0), (0, 90, 9), (170, 80, 20), (-30, 5, 40), (1, 2, 3, 0)), 1, 0),
                # As measured in a photo, with a lamp beside it.
                (Light(Light.preset("sunset").coefficients) + Light.preset("rim"), 1, 0),
            ]
        ],
    }


def face(rng, size, corner, side):
    """A face of random maps, smooth as a network's, with shadows, burnt and black pixels."""
    axes = side * np.array([[1.0, -0.05], [0.05, 1.0]])
    window = framing.Window(np.array(corner), axes)
    shape = (size, size)

    def smooth(*channels):
        noise = rng.normal(size=(*shape, *channels))
        return ndimage.gaussian_filter(noise, (3, 3, *(0 for _ in channels))) * 6

    albedo = np.clip(0.5 + 0.3 * smooth(3), 0.05, 1)
    photo = np.clip(albedo * np.exp(0.8 * smooth())[..., None], 0, 1)
    photo[:3, :4] = 0.001
    photo[-4:, -4:] = 1
    photo[5:9, 12:15, 0] = 1
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    mask = np.clip(1.6 - 1.2 * np.hypot(x, y), 0, 1)
    guide = color.luminance_numpy(color.to_srgb_numpy(photo))
    normals = unit(np.dstack([x, -y, 0.6 + 0.1 * smooth()]))
    light = Light.from_direction(-75, 10, 1.0, ambient=0.02, color=(1, 0.9, 0.75))
    # The left half is in shadow, and black.
    photo[:, : size // 3] = 0.0004
    middle = np.array(corner) + axes @ [0.5, 0.5]
    across = [side / 8, 0.0]
    where = find.Face(np.array([middle - across, middle + across]), side / 4, middle[None], 1.0)
    single = [np.float32(value) for value in (photo, guide, albedo, normals, mask)]
    residual = np.float32(0.5 * smooth())
    region = np.hypot(x, y) < 0.8
    box = (0, 0, 60, 40)
    return face_maps.FaceMaps(window, box, where, *single, region, residual, light.coefficients)


def with_parts(rng, maps):
    """Maps with random parts, which change slowly, no hair in a corner, and eyes that glint."""
    size = len(maps.mask)
    noise = rng.normal(size=(size, size, len(PARTS)))
    parts = np.exp(12 * ndimage.gaussian_filter(noise, (3, 3, 0)))
    parts[:5, :5, PARTS.index("hair")] = 0
    parts[9:15, 6:18] = 0
    parts[9:15, 6:18, PARTS.index("eyes")] = 1
    parts = np.float32(parts / parts.sum(-1, keepdims=True))
    photo = maps.photo.copy()
    photo[10:14, 7:17] = 0.05
    photo[12, 8:16] = 0.8
    return dataclasses.replace(maps, parts=parts, photo=photo)


def sum_of(*lamps):
    """A light of lamps: azimuth, elevation, radius and, if it is not 1, intensity."""
    return sum(
        (Light.from_direction(*one[:2], *one[3:], radius=one[2]) for one in lamps[1:]),
        Light.from_direction(*lamps[0][:2], radius=lamps[0][2], ambient=0.1),
    )


def relit(prepared, heads, light, strength, stops):
    balanced = [light.balanced(one.white) for one in prepared]
    drawn = [ratio_image.rendered(*each) for each in zip(prepared, balanced)]
    exposure = ratio_image.exposure(prepared[0], drawn[0])
    share = strength * exposure * 2.0**stops
    lights = [
        (1 - strength) * one.maps.light + share * new.coefficients
        for one, new in zip(prepared, balanced)
    ]
    renderings = [
        ratio_image.own(one) * (1 - strength) + new * share for one, new in zip(prepared, drawn)
    ]
    same = [ratio_image.sameness(*each) for each in zip(prepared, renderings)]
    changes = [
        ratio_image.change(*each, same[head]) for *each, head in zip(prepared, renderings, heads)
    ]
    return {
        "light": json.loads(light.json()),
        "strength": strength,
        "stops": stops,
        "exposure": exposure,
        "lights": [rows(one) for one in lights],
        "changes": [
            {
                "factor": change.factor.reshape(-1, 3).tolist(),
                "slope": change.slope.ravel().tolist(),
                "lost": None if change.lost is None else change.lost.ravel().tolist(),
                "fill": None if change.fill is None else change.fill.reshape(-1, 3).tolist(),
            }
            for change in changes
        ],
    }
