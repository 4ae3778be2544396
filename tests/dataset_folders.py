"""Small folders in the original layouts of data sets, for tests: balls instead of faces."""

import numpy as np
import PIL.Image

from tfrelight import color, harmonics, lights

# Zenith and azimuth, degrees, of a rig like Photoface's: counterclockwise from the image's right.
LAMPS = [(20, 315), (22, 45), (20, 135), (22, 225)]

# Of `photoface`: photos are WIDTH x HEIGHT, the ball's middle and radius in pixels.
WIDTH, HEIGHT, MIDDLE, RADIUS = 160, 200, (80, 100), 70
# The square that its landmarks give: 3.2 times their 30 pixels from eyes to mouth.
SQUARE = (32, 52, 128, 148)


def ball_normals(width=WIDTH, height=HEIGHT, middle=MIDDLE, radius=RADIUS):
    """Normals `[height, width, 3]` of a ball, (0, 0, 1) outside, and its mask `[height, width]`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x + 0.5 - middle[0]) / radius, (middle[1] - y - 0.5) / radius
    inside = x * x + y * y < 1
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    return np.where(inside[..., None], np.stack([x, y, z], -1), np.float32([0, 0, 1])), inside


def light_source(convention=lambda azimuth: azimuth):
    """The text of a `LightSource.m`."""
    rows = ";\n".join(f"{zenith} {convention(azimuth):g}" for zenith, azimuth in LAMPS)
    return f"% zenith and azimuth of 4 lamps [degrees]\nLightSource = [{rows}];\n"


def photoface(folder, sessions, convention=lambda azimuth: azimuth):
    """Writes `PERSON/SESSION` folders of the Photoface database, as "1001/2008-02-23_12-21-31".

    Args:
      folder: of the data set.
      sessions: their names.
      convention: azimuth as `LightSource.m` has it, from one that counts counterclockwise from the
        right of the image.
    """
    normals, inside = ball_normals()
    for number, name in enumerate(sessions):
        path = folder / name
        path.mkdir(parents=True)
        albedo = 0.5 + 0.05 * (number % 5)
        for index, (zenith, azimuth) in enumerate(np.radians(LAMPS)):
            direction = [
                np.sin(zenith) * np.cos(azimuth),
                np.sin(zenith) * np.sin(azimuth),
                np.cos(zenith),
            ]
            linear = np.where(inside, albedo * np.maximum(normals @ direction, 0), 0)
            pixels = np.round(linear * 255).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(path / f"im{index}.bmp")
        (path / "LightSource.m").write_text(light_source(convention))
        x, y = MIDDLE
        eyes = [(x - 20, y - 15), (x - 8, y - 15), (x, y - 25), (x + 8, y - 15), (x + 20, y - 15)]
        nose = [(x - 6, y), (x, y + 2), (x + 6, y)]
        mouth = [(x - 10, y + 15), (x + 10, y + 15), (x, y + 40)]
        lines = [f"{x} {y}" for x, y in eyes + nose + mouth]
        (path / "metadata.txt").write_text("\n".join(lines) + "\n")
        (path / "metadataII.txt").write_text("m,no,none,1,good, ,blank, \n")


# SfSNet's basis: 1, z, x, y, 2z²-x²-y², xz, yz, x²-y², xy with pi folded in, as its code has it.
def _sfsnet_shading(normals, light):
    x, y, z = np.moveaxis(normals, -1, 0)
    basis = np.stack(
        [
            0.886227 * np.ones_like(x),
            *(1.023327 * z, 1.023327 * x, 1.023327 * y),
            0.247708 * (2 * z * z - x * x - y * y),
            *(0.858086 * x * z, 0.858086 * y * z),
            0.429043 * (x * x - y * y),
            0.858086 * x * y,
        ],
        axis=-1,
    )
    return basis @ np.reshape(light, (3, 9)).T


def sfsnet(folder, people, places, poses=1, size=128):
    """Writes SfSNet's synthetic faces, `0003/000041_face_1_1.png` and so on.

    Args:
      folder: of the data set.
      people: their numbers.
      places: pairs (i, j) of each person's photos; every one has its own light.
      poses: photos of one person differ in geometry by `j % poses`.
      size: of the pictures.
    """
    for person in people:
        path = folder / f"{person // 20 + 1:04d}"
        path.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(person)
        tone = rng.uniform(0.35, 0.6, 3)
        for i, j in places:
            radius = size * (0.45 - 0.02 * (j % poses))
            normals, inside = ball_normals(size, size, (size / 2, size / 2), radius)
            light = rng.uniform(-0.06, 0.06, 27)
            light[[0, 9, 18]], light[[1, 10, 19]] = 0.6, 0.3
            encoded = np.round((normals + 1) / 2 * 255) / 255
            true = encoded * 2 - 1
            true /= np.linalg.norm(true, axis=-1, keepdims=True)
            albedo = np.where(inside[..., None], np.round(tone * 255) / 255, 0)
            face = np.clip(albedo * _sfsnet_shading(true, np.round(light, 6)), 0, 1)
            stem = f"{person:06d}"
            for name, image in (
                ("face", face),
                ("albedo", albedo),
                ("normal", encoded),
                ("mask", np.repeat(inside[..., None], 3, -1).astype(float)),
                ("depth", np.zeros((size, size, 3))),
            ):
                pixels = np.round(image * 255).astype(np.uint8)
                PIL.Image.fromarray(pixels).save(path / f"{stem}_{name}_{i}_{j}.png")
            text = "\t".join(f"{number:.6f}" for number in light)
            (path / f"{stem}_light_{i}_{j}.txt").write_text(text + "\n")


def celeba(folder, splits, archives=False):
    """Writes CelebA: a photo for each number in `splits` (0 train, 1 validation, 2 test).

    Args:
      folder: of the data set.
      splits: sequence of numbers.
      archives: with the folders `Img`, `Anno` and `Eval` of the download.
    """
    places = {"Img": folder, "Anno": folder, "Eval": folder}
    if archives:
        places = {name: folder / name for name in places}
    photos = places["Img"] / "img_align_celeba"
    for path in (photos, places["Anno"], places["Eval"]):
        path.mkdir(parents=True, exist_ok=True)
    names = [f"{number + 1:06d}.jpg" for number in range(len(splits))]
    normals, inside = ball_normals(178, 218, (89, 131), 60)
    for number, name in enumerate(names):
        light = lights.Light.from_direction(60 - 30 * (number % 5), 10, 0.6, 0.3).coefficients
        tone = np.random.default_rng(number).uniform(0.3, 0.7, 3)
        linear = np.where(inside[..., None], tone * harmonics.shade(normals, light), 0.1)
        pixels = np.round(color.to_srgb_numpy(linear) * 255).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(photos / name, quality=95)
    lines = [f"{name} {split}" for name, split in zip(names, splits)]
    (places["Eval"] / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    points = "69 111 108 111 88 133 72 152 105 152"
    lines = [str(len(names)), "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y"]
    lines += [f"{name}  {points}" for name in names]
    (places["Anno"] / "list_landmarks_align_celeba.txt").write_text("\n".join(lines) + "\n")
    lines = [f"{name} {2880 + number // 2}" for number, name in enumerate(names)]
    (places["Anno"] / "identity_CelebA.txt").write_text("\n".join(lines) + "\n")


# Lights of `multilit`: azimuth, elevation, intensity.
ANGLES = [(-40, 0, 1.0), (40, 10, 1.0), (0, 40, 0.5), (0, -30, 1.0), (20, 20, 1.0)]
TONE = np.float32([0.6, 0.4, 0.3])


def multilit(folder, people, lamps=True, suffix="png", width=80, height=64):
    """Writes a folder of people under the lights `ANGLES`: sRGB pictures of a coloured ball.

    Args:
      folder: of the people's folders.
      people: their names.
      lamps: with one `lights.csv` for all.
      suffix: of the photos; exr is linear and eight times as bright.
      width, height: of the photos.
    """
    normals, inside = ball_normals(width, height, (width / 2, height / 2), 0.45 * height)
    for person in people:
        path = folder / person
        path.mkdir(parents=True)
        for index, (azimuth, elevation, intensity) in enumerate(ANGLES):
            facing = np.maximum(normals @ lights.direction_vector(azimuth, elevation), 0)
            linear = TONE * (intensity * facing * inside)[..., None]
            if suffix == "exr":
                write_exr(path / f"photo{index}.exr", 8 * linear)
                continue
            pixels = np.round(color.to_srgb_numpy(linear) * 255).astype(np.uint8)
            image = PIL.Image.fromarray(pixels if suffix != "pgm" else pixels[..., 0])
            image.save(path / f"photo{index}.{suffix}")
    if lamps:
        rows = ["photo,azimuth,elevation,intensity"]
        rows += [f"photo{i}.{suffix},{a},{e},{s}" for i, (a, e, s) in enumerate(ANGLES)]
        (folder / "lights.csv").write_text("\n".join(rows) + "\n")


def write_exr(path, linear):
    """Writes a linear RGB image as EXR."""
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {"RGB": np.ascontiguousarray(linear, np.float32)}
    OpenEXR.File(header, channels).write(str(path))


def degrees(one, other):
    """Angles between unit vectors."""
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=-1), -1, 1)))


def decoded_normals(subject):
    """The normals of a subject dict as unit vectors."""
    normals = subject["normals"] / 65535 * 2 - 1
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def rendered(subject, index):
    """A subject's photo as its labels give it, linear."""
    shaded = harmonics.shade(decoded_normals(subject), subject["light"][index])
    return subject["albedo"] / 65535 * np.maximum(shaded, 0)
