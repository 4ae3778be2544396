"""The exported SavedModel: names, values, any size, clean refusals, standard operations only."""

import io
import json
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import tfrelight
from tests.serving.conftest import file_of, picture, pixels_of, strings
from tfrelight import color, lights, shading
from tfrelight.serving import codecs, defaults, graph_relighting, manifest

LEFT, SUNSET = lights.Light.preset("left").coefficients, lights.Light.preset("sunset").coefficients

# What exported graphs may hold: TensorFlow's own operations, all in TensorFlow Serving's builds.
# An operation that is new here is looked up there before it is added.
OPERATIONS = set(
    """
    Abs Acos Add AddN AddV2 All Any ArgMax Assert AssignVariableOp Atan Atan2 AvgPool
    BatchMatMulV2 BiasAdd Cast ConcatV2 Const Conv2D Conv2DBackpropInput Cos Cross DecodeImage
    DecodeRaw DepthToSpace Dilation2D DisableCopyOnRead DivNoNan EncodeJpeg EncodePng EnsureShape
    Equal Exp ExpandDims ExtractJpegShape Fill Floor FloorDiv FloorMod GatherV2 Greater GreaterEqual
    Identity IdentityN If IsFinite Less LessEqual Log LogicalAnd LogicalNot LogicalOr MatMul Max
    Maximum Mean MergeV2Checkpoints Min Minimum Mul Neg NoOp NotEqual OneHot OnesLike Pack Pad
    PadV2 Placeholder Pow Prod Range ReadVariableOp RealDiv Relu Reshape ResizeArea
    ResizeBicubic ResizeBilinear RestoreV2 ReverseV2 Round Rsqrt SaveV2 ScaleAndTranslate Select
    SelectV2 Shape ShardedFilename Sigmoid Sin Size Softmax SpaceToDepth Split SplitV Sqrt
    Square Squeeze StatefulPartitionedCall StatelessIf StatelessWhile StaticRegexFullMatch
    StridedSlice StringJoin Sub Substr Sum Tan Tanh TensorListFromTensor TensorListGetItem
    TensorListReserve TensorListSetItem TensorListStack Tile TopKV2 Transpose Unpack VarHandleOp
    VarIsInitializedOp Where While ZerosLike
    """.split()
)


# A lamp from the left, as a row of `lamps`.
LAMP = np.array([[-0.6, 0.0, 0.8, 0.1, 1.0, 0.9, 0.8, 1.0]], np.float32)


def smooth_picture(height, width):
    """What JPEG keeps: a slope in each channel."""
    y, x = np.mgrid[:height, :width]
    return np.stack([60 + 100 * y // height, 80 + 90 * x // width, 120 + 0 * x], -1).astype(
        np.uint8
    )


def floats(*pictures):
    return np.stack(pictures).astype(np.float32) / 255


def assert_same_pixels(png, expected, levels=1):
    """`expected`: sRGB float. Rounding may fall either way."""
    difference = np.abs(pixels_of(png) / 255.0 - np.clip(expected, 0, 1))
    assert np.max(difference) <= (levels + 0.01) / 255


@pytest.mark.parametrize("height,width", [(32, 32), (200, 152), (31, 7), (1, 1)])
def test_decompose_is_predict(exported, answer, height, width):
    images = floats(picture(height, width), picture(height, width, 1))
    expected = tfrelight.load_model(exported.run).predict(images, verbose=0)
    for name in ("serving_default", "decompose"):
        outputs = answer(name, images=images)
        assert set(outputs) == {"albedo", "normals", "light", "mask", "parts", "shading"}
        for key in expected:
            np.testing.assert_allclose(outputs[key], expected[key], atol=1e-4)
        np.testing.assert_allclose(
            outputs["shading"], shading.shade(expected["normals"], expected["light"]), atol=1e-4
        )


def test_relight_at_the_network_s_size_is_the_formula(exported, answer):
    images = floats(picture(32, 32), picture(32, 32, 1))
    light = np.stack([LEFT, SUNSET])
    maps = exported.network.predict(images, verbose=0)
    coefficients = graph_relighting.coefficients(maps, images, light)
    expected = graph_relighting.apply(images, color.to_linear_numpy(images), coefficients)
    relit = answer("relight", images=images, light=light)["relit"]
    np.testing.assert_allclose(relit, expected, atol=1e-4)


def test_transfer_is_relighting_with_the_reference_s_light(answer):
    images = floats(picture(40, 24), picture(40, 24, 1))
    references = floats(picture(20, 30, 2), picture(20, 30, 3))
    moved = answer("transfer", images=images, references=references)
    light = answer("decompose", images=references)["light"]
    np.testing.assert_allclose(moved["light"], light, atol=1e-5)
    relit = answer("relight", images=images, light=light)["relit"]
    np.testing.assert_allclose(moved["relit"], relit, atol=1e-5)


def test_files_of_any_size_are_relit_as_their_pixels(answer):
    pictures = [picture(70, 50), picture(32, 32, 1), picture(3, 90, 2)]
    light = np.stack([LEFT, SUNSET, LEFT])
    files = strings(*(file_of(p) for p in pictures))
    pngs = answer("relight_bytes", image_bytes=files, light=light)["relit_png_bytes"]
    for png, pixels, one in zip(pngs, pictures, light):
        expected = answer("relight", images=floats(pixels), light=one[None])["relit"][0]
        assert expected.shape == pixels.shape
        assert_same_pixels(png, expected)


def test_jpeg_answers_show_what_png_answers_do(answer):
    files = strings(file_of(smooth_picture(70, 50)), file_of(smooth_picture(33, 32)))
    for name, given in (
        ("relight", {"light": np.stack([LEFT, SUNSET])}),
        ("relight_lamps", {"lamps": np.tile(LAMP, (2, 1, 1))}),
    ):
        pngs = answer(f"{name}_bytes", image_bytes=files, **given)["relit_png_bytes"]
        jpegs = answer(f"{name}_jpeg", image_bytes=files, **given)["relit_jpeg_bytes"]
        for png, jpeg in zip(pngs, jpegs):
            assert jpeg[:3] == b"\xff\xd8\xff"
            difference = np.abs(pixels_of(png).astype(int) - pixels_of(jpeg))
            assert difference.mean() < 1.5 and np.percentile(difference, 99) <= 6


def test_decomposed_files_are_the_encoded_maps(answer):
    pictures = [picture(45, 60), picture(32, 32, 1)]
    outputs = answer("decompose_bytes", image_bytes=strings(*(file_of(p) for p in pictures)))
    for index, pixels in enumerate(pictures):
        maps = {key: value[0] for key, value in answer("decompose", images=floats(pixels)).items()}
        np.testing.assert_allclose(outputs["light"][index], maps["light"], atol=1e-4)
        encoded = {
            "albedo": color.to_srgb_numpy(maps["albedo"]),
            "normals": (maps["normals"] + 1) / 2,
            "shading": color.to_srgb_numpy(maps["shading"]),
        }
        for name, image in encoded.items():
            png = outputs[f"{name}_png_bytes"][index]
            if name == "shading" and pixels.shape[0] != 32:
                # Enlarged as it is here, and computed from enlarged normals there.
                assert np.mean(np.abs(pixels_of(png) / 255.0 - np.clip(image, 0, 1))) < 0.01
            else:
                assert_same_pixels(png, image)


def test_a_jpeg_is_decoded_as_pillow_does(answer):
    data = file_of(picture(48, 64), "JPEG", quality=95)
    relit = answer("relight_bytes", image_bytes=strings(data), light=LEFT[None])
    expected = answer("relight", images=floats(pixels_of(data)), light=LEFT[None])["relit"]
    # Decoders differ by a level or two; the new light may brighten that.
    assert_same_pixels(relit["relit_png_bytes"][0], expected[0], levels=8)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16"])
def test_other_kinds_of_pixels_are_taken(answer, mode):
    image = PIL.Image.fromarray(picture(20, 30))
    if mode == "I;16":
        image = PIL.Image.fromarray(np.full((20, 30), 30000, np.uint16))
    else:
        image = image.convert(mode)
    data = io.BytesIO()
    image.save(data, "JPEG" if mode == "CMYK" else "PNG")
    outputs = answer("relight_bytes", image_bytes=strings(data.getvalue()), light=LEFT[None])
    assert pixels_of(outputs["relit_png_bytes"][0]).shape == (20, 30, 3)


def test_linear_look_up_is_the_formula():
    every = np.arange(256, dtype=np.uint8).reshape(-1, 1) * np.uint8([1, 1, 1])
    np.testing.assert_allclose(
        codecs.to_linear(every), color.to_linear(every.astype(np.float32) / 255), atol=1e-6
    )


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8, 4), (8,), ()])
@pytest.mark.parametrize("name", ["decompose", "relight", "transfer"])
def test_a_wrong_shape_is_refused_by_the_first_op(answer, name, shape):
    others = {"relight": {"light": LEFT[None]}, "transfer": {"references": floats(picture(8, 8))}}
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected"):
        answer(name, images=np.zeros(shape, np.float32), **others.get(name, {}))


@pytest.mark.parametrize("name", ["decompose", "relight", "transfer", "references"])
@pytest.mark.parametrize("make", [lambda x: x * 255, lambda x: x * 4 - 2], ids=["255", "centred"])
def test_photos_that_are_not_in_the_unit_interval_are_refused(answer, name, make):
    photo = floats(picture(20, 30))
    others = {"relight": {"light": LEFT[None]}, "transfer": {"references": photo}}
    inputs = {"images": make(photo), **others.get(name, {})}
    if name == "references":
        name, inputs = "transfer", {"images": photo, "references": make(photo)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Divide photos in 0..255 by 255"):
        answer(name, **inputs)


def test_a_little_overshoot_and_broken_numbers_pass(answer):
    photo = floats(picture(20, 30)) * 1.4 - 0.2
    assert np.isfinite(answer("decompose", images=photo)["albedo"]).all()
    for value in (np.nan, np.inf, -np.inf):
        photo[0, 3, 3, 0] = value
        answer("decompose", images=photo)


@pytest.mark.parametrize("shape", [(9, 3), (1, 9), (1, 27), (1, 9, 4)])
@pytest.mark.parametrize("name", ["relight", "relight_bytes"])
def test_a_light_of_a_wrong_shape_is_refused(answer, name, shape):
    photos = (
        {"images": floats(picture(8, 8))}
        if name == "relight"
        else {"image_bytes": strings(file_of(picture(8, 8)))}
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected"):
        answer(name, light=np.zeros(shape, np.float32), **photos)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_as_many_lights_as_photos_are_expected(answer, rows):
    light = np.stack([LEFT] * rows) if rows else np.zeros((0, 9, 3), np.float32)
    files = strings(file_of(picture(8, 8)), file_of(picture(8, 8)))
    for name, photos in (
        ("relight", {"images": floats(picture(8, 8), picture(8, 8))}),
        ("relight_bytes", {"image_bytes": files}),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="as many rows of `light`"):
            answer(name, light=light, **photos)


def test_nothing_is_refused(answer):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected one photo or more"):
        answer("decompose", images=np.zeros((0, 8, 8, 3), np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected one photo or more"):
        answer("decompose_bytes", image_bytes=strings())


def with_size(png, height, width):
    """A PNG whose header promises another size."""
    return png[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png[24:]


def jpeg_with_size(jpeg, height, width):
    start = jpeg.index(b"\xff\xc0") + 5
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return jpeg[:start] + size + jpeg[start + 4 :]


def with_chunk_first(png, kind):
    """A PNG that tells its size late: libpng reads on behind an ancillary chunk before IHDR."""
    data = kind + struct.pack(">II", 1, 1)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return png[:8] + chunk + png[8:]


PNG = file_of(picture(16, 16))
JPEG = file_of(picture(16, 16), "JPEG")
UNKNOWN = "Unknown image file format. One of JPEG, "


@pytest.mark.parametrize(
    "data,message",
    [
        (b"", UNKNOWN),
        (b"hello", UNKNOWN),
        (file_of(picture(8, 8), "GIF"), UNKNOWN),
        (file_of(picture(8, 8), "BMP"), UNKNOWN),
        (PNG[:12], UNKNOWN),
        (PNG[:20], "Invalid PNG"),
        (with_chunk_first(PNG, b"abCd"), UNKNOWN),
        (with_chunk_first(with_size(PNG, 60000, 60000), b"vpAg"), UNKNOWN),
        (PNG[:-40], "Invalid PNG"),
        (JPEG[:4], "Invalid JPEG"),
        (JPEG[:-100], "Invalid JPEG"),
        (with_size(PNG, 60000, 60000), "more than 25000000 pixels"),
        (with_size(PNG, 2**31 - 1, 2**31 - 1), "more than 25000000 pixels"),
        (jpeg_with_size(JPEG, 60000, 60000), "more than 25000000 pixels"),
    ],
)
def test_a_file_that_cannot_be_decoded_is_refused(answer, data, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answer("relight_bytes", image_bytes=strings(data), light=LEFT[None])


@pytest.mark.parametrize("name", ["decompose", "relight", "decompose_bytes", "relight_bytes"])
def test_a_request_has_no_more_photos_than_memory_is_for(answer, name):
    """A tensor of ten bytes may ask for any number of rows."""
    count = defaults.MAX_PHOTOS + 1
    light = {"light": np.repeat(LEFT[None], count, axis=0)} if "relight" in name else {}
    if name.endswith("_bytes"):
        photos = {"image_bytes": strings(*[b"no photo"] * count)}
    else:
        photos = {"images": np.zeros((count, 1, 1, 3), np.float32)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected 64 photos or fewer"):
        answer(name, **photos, **light)


def test_a_request_has_no_more_pixels_than_there_is_time_for(answer):
    """A photo of one colour and 25 megapixels is a file of 3 kB."""
    promised = with_size(PNG, 5000, 5000)
    for name in ("decompose_bytes", "relight_bytes"):
        light = {"light": np.repeat(LEFT[None], 5, axis=0)} if name == "relight_bytes" else {}
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than 100000000 pixels"):
            answer(name, image_bytes=strings(*[promised] * 5), **light)


def test_operations_are_standard_ones(exported):
    graph = manifest.graph_of(exported.path)
    stored = json.loads((exported.path / defaults.MANIFEST).read_text())
    assert set(stored["operations"]) <= OPERATIONS
    # An op that only TensorFlow 2.15 or later knows would raise it.
    assert graph.graph_def.versions.min_consumer <= 12
    assert stored["min_consumer"] == graph.graph_def.versions.min_consumer
