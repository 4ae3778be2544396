"""XMP keeps what stays true and says that a trained model edited the photo."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tfrelight import photos
from tfrelight.photos import metadata, xmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "rdf": RDF,
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "HDRGainMap": "http://ns.apple.com/HDRGainMap/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GImage": "http://ns.google.com/photos/1.0/image/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}
TRUE = 'GPano:ProjectionType="equirectangular" xmp:Rating="4"'
TRUE_ELEMENTS = "<dc:creator><rdf:Seq><rdf:li>Jürgen &amp; Ünal</rdf:li></rdf:Seq></dc:creator>"

STALE_ATTRIBUTES = [
    'hdrgm:Version="1.0" hdrgm:GainMapMax="3.5"',
    'HDRGainMap:HDRGainMapVersion="65536"',
    'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="4096"',
    'GCamera:MotionPhoto="1" GCamera:MotionPhotoPresentationTimestampUs="1"',
    'GDepth:Format="RangeInverse" GDepth:Data="AAAA"',
    'GImage:Mime="image/jpeg" GImage:Data="AAAA"',
    'dcterms:provenance="self#jumbf=/c2pa/urn"',
]
STALE_ELEMENTS = [
    '<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:image>AAAA</xmpGImg:image>'
    "</rdf:li></rdf:Alt></xmp:Thumbnails>",
    '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item '
    'Item:Semantic="GainMap" Item:Length="4445"/></rdf:li></rdf:Seq></Container:Directory>',
    "<hdrgm:GainMapMin><rdf:Seq><rdf:li>0</rdf:li></rdf:Seq></hdrgm:GainMapMin>",
    "<GCamera:MotionPhoto>1</GCamera:MotionPhoto>",
]


def packet(attributes="", elements="", wrapped=True):
    declarations = " ".join(f'xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items())
    text = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        f'rdf:about="" {declarations} {attributes}>{elements}</rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    )
    if wrapped:
        text = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{text}<?xpacket end="w"?>'
    return text.encode()


def properties(data):
    """The properties of a packet: qualified name to text, or XML."""
    root = ElementTree.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", data))
    found = {}
    for description in root.iter(f"{{{RDF}}}Description"):
        found.update(description.attrib)
        for child in description:
            found[child.tag] = child.text or ElementTree.tostring(child)
    return {name: value for name, value in found.items() if not name.startswith(f"{{{RDF}}}")}


def name(qualified):
    prefix, local = qualified.split(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


@pytest.mark.parametrize("attributes", STALE_ATTRIBUTES)
def test_false_statements_go(attributes):
    data = xmp.cleaned(packet(f"{attributes} {TRUE}", TRUE_ELEMENTS))
    assert properties(data) == properties(packet(TRUE, TRUE_ELEMENTS))
    assert xmp.cleaned(packet(attributes)) is None
    for uri in ("gain-map", "HDRGainMap", "1.0/container", "depthmap", "1.0/image"):
        assert uri.encode() not in data


@pytest.mark.parametrize("elements", STALE_ELEMENTS)
def test_so_do_structures(elements):
    data = xmp.cleaned(packet(TRUE, elements + TRUE_ELEMENTS))
    assert properties(data) == properties(packet(TRUE, TRUE_ELEMENTS))
    assert xmp.cleaned(packet("", elements)) is None


def test_a_packet_without_them_keeps_its_bytes():
    data = packet(TRUE, TRUE_ELEMENTS) + b" " * 2000
    assert xmp.cleaned(data) is data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no XML",
        packet(TRUE)[:-30],
        b"<x:xmpmeta/>",
        # Entities would grow to gigabytes, or name files.
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + packet("", "&b;", False),
        '<!DOCTYPE a [<!ENTITY a "a">]><a/>'.encode("utf-16"),
    ],
)
def test_broken_packets_are_left_out(data):
    assert xmp.cleaned(data) is None
    assert properties(xmp.marked(data)) == {name("Iptc4xmpExt:DigitalSourceType"): xmp.EDITED}


@pytest.mark.parametrize("depth", [150, 30_000])
@pytest.mark.parametrize("where", ["packet", "extension", "description", "marked"])
def test_packets_nested_too_deeply_are_left_out(depth, where):
    nested = "<dc:a>" * depth + "</dc:a>" * depth
    if where == "packet":
        assert xmp.cleaned(packet("", nested)) is None
    elif where == "description":
        inner = f"<rdf:Description>{nested}</rdf:Description>"
        assert xmp.cleaned(packet(STALE_ATTRIBUTES[0], TRUE_ELEMENTS + inner)) is None
    elif where == "marked":
        assert set(properties(xmp.marked(packet("", nested))).values()) == {xmp.EDITED}
    else:
        main, segments = extended(packet(TRUE), packet("", nested))
        data = xmp.cleaned(xmp.with_extension(main, segments))
        assert properties(data) == properties(packet(TRUE))


def test_a_photo_with_a_deeply_nested_packet_is_read():
    file = io.BytesIO()
    pixels = np.full((8, 8, 3), 128, np.uint8)
    nested = packet("", "<dc:a>" * 4000 + "</dc:a>" * 4000)
    Image.fromarray(pixels).save(file, "JPEG", xmp=nested)
    photo = photos.read(file.getvalue())
    assert photo.origin.xmp is None and photo.pixels.shape == pixels.shape


def test_packets_of_usual_depth_stay():
    data = packet("", "<dc:a>" * 40 + "1" + "</dc:a>" * 40)
    assert xmp.cleaned(data) is data


def test_the_mark_is_added_once_and_replaces_another():
    expected = {**properties(packet(TRUE, TRUE_ELEMENTS))}
    expected[name("Iptc4xmpExt:DigitalSourceType")] = xmp.EDITED
    old = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    attribute = f'Iptc4xmpExt:DigitalSourceType="{old}"'
    element = f"<Iptc4xmpExt:DigitalSourceType>{old}</Iptc4xmpExt:DigitalSourceType>"
    for data in (
        packet(TRUE, TRUE_ELEMENTS),
        packet(f"{TRUE} {attribute}", TRUE_ELEMENTS),
        packet(TRUE, TRUE_ELEMENTS + element, wrapped=False),
    ):
        marked = xmp.marked(data)
        assert properties(marked) == expected and old.encode() not in marked
        assert xmp.marked(marked).count(xmp.EDITED.encode()) == 1


def test_prefixes_stay():
    # Some readers look for `GPano:` instead of its namespace.
    data = xmp.marked(packet(TRUE, TRUE_ELEMENTS))
    for text in (b'GPano:ProjectionType="equirectangular"', b"<dc:creator>", b"<?xpacket end"):
        assert text in data


def extended(main, rest):
    """The APP1 markers of a packet in two parts, out of order."""
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    main = main.replace(b"rdf:about", b'xmpNote:HasExtendedXMP="%b" rdf:about' % guid)
    pieces = [(start, rest[start : start + 40000]) for start in range(0, len(rest), 40000)]
    segments = [
        b"http://ns.adobe.com/xmp/extension/\0"
        + guid
        + len(rest).to_bytes(4, "big")
        + start.to_bytes(4, "big")
        + piece
        for start, piece in reversed(pieces)
    ]
    return main, segments


def test_the_rest_of_a_long_packet_is_read_and_written(tmp_path):
    long = f'GDepth:Data="{"A" * 100_000}" GPano:Note="{"B" * 100_000}"'
    main, segments = extended(packet(TRUE), packet(long, TRUE_ELEMENTS, wrapped=False))
    file = io.BytesIO()
    pixels = np.full((8, 8, 3), 128, np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    data = file.getvalue()
    for segment in (b"http://ns.adobe.com/xap/1.0/\0" + main, *segments):
        data = data[:2] + metadata.marker(0xE1, segment) + data[2:]
    expected = properties(packet(TRUE, TRUE_ELEMENTS))
    expected[name("GPano:Note")] = "B" * 100_000
    photo = photos.read(data)
    assert properties(photo.origin.xmp) == expected
    for ending in ("jpg", "png", "webp", "tif"):
        photo.save(tmp_path / f"a.{ending}")
        again = photos.read(tmp_path / f"a.{ending}")
        assert properties(again.origin.xmp) == expected, ending
    # In a JPEG, the mark is in the main packet, which readers of one marker see.
    marked, *others = xmp.jpeg_segments(xmp.marked(photo.origin.xmp))
    assert len(others) == 2 and xmp.EDITED.encode() in marked
    assert all(len(segment) <= 65533 for segment in (marked, *others))


def test_the_rest_keeps_prefixes_that_are_declared_around_it():
    declared = f'xmlns:GPano="{NAMESPACES["GPano"]}"'
    rest = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}" {declared}>'
        '<rdf:Description rdf:about="" GPano:Note="far"/></rdf:RDF></x:xmpmeta>'
    ).encode()
    plain = packet(TRUE).replace(declared.encode(), b"").replace(b"GPano:", b"dc:")
    main, segments = extended(plain, rest)
    joined = properties(xmp.cleaned(xmp.with_extension(main, segments)))
    assert joined == {**properties(plain), name("GPano:Note"): "far"}


def test_a_packet_whose_rest_is_missing_promises_none():
    main, segments = extended(packet(TRUE), packet(TRUE_ELEMENTS))
    data = xmp.cleaned(xmp.with_extension(main, segments[:0]))
    assert properties(data) == properties(packet(TRUE))
