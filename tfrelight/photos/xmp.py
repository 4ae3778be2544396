"""XMP packets: what becomes false when the pixels change, and the mark of a trained model's edit.

A packet is RDF in XML (ISO 16684-1). Properties that nothing here names keep their text, order and
prefixes.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.dom import minidom
from xml.parsers.expat import ExpatError

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

__all__ = ["EDITED", "cleaned", "jpeg_segments", "marked", "with_extension"]

# IPTC's term for a photo that was edited with a trained model: "Augmentation, correction or
# enhancement using a Generative AI model". Of the other terms for edits, `humanEdits` means tools
# that are not generative, and `algorithmicallyEnhanced` that the content stays as it was. Here a
# model, trained on samples, decides how skin looks under a light that was not there.
EDITED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
# Namespaces of gain maps, depth maps, second pictures, and directories of files behind the photo:
# Adobe's and Apple's gain maps, Google's containers, depth and original pictures, Xiaomi's.
_STALE_NAMESPACES = (
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.apple.com/pixeldatainfo/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/focus/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/dd/",
    "http://ns.xiaomi.com/photos/1.0/camera/",
)
# Single properties: thumbnails; where Content Credentials of the old pixels lie; the rest of a
# packet, which `with_extension` adds.
_STALE = (
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
    ("http://ns.adobe.com/xap/1.0/", "PageInfo"),
    ("http://purl.org/dc/terms/", "provenance"),
    (_NOTE, "HasExtendedXMP"),
)
# Properties of Google's camera about a video behind the photo.
_STALE_CAMERA = re.compile("MicroVideo|MotionPhoto")

_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
# Elements inside each other; real packets have about 15. `minidom` visits them by recursion, which
# Python ends at a depth of 1000.
_DEEPEST = 100
# Most bytes of a JPEG marker's content, and of a packet's piece in an extension (XMP part 3).
_MARKER, _PIECE = 65533, 65400
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""%s/></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
)


def cleaned(packet: bytes) -> bytes | None:
    """A packet without what is only true of the old pixels.

    Thumbnails, gain maps, depth maps, motion photos and the place of Content Credentials go.

    Returns:
      The same bytes if there is nothing of it; None if nothing is left, or the packet is broken.
    """
    document = _parsed(packet)
    if document is None:
        return None
    removed = False
    for element in list(_elements(document)):
        for attribute in list(element.attributes.values()):
            if _is_stale(attribute):
                element.removeAttributeNode(attribute)
                removed = True
        if _is_stale(element) and element.parentNode is not None:
            element.parentNode.removeChild(element)
            removed = True
    if not removed:
        return packet
    if not any(_properties(description) for description in _descriptions(document)):
        return None
    _forget_prefixes(document)
    return _text(document)


def marked(packet: bytes | None) -> bytes:
    """A packet, or a new one, that says `Iptc4xmpExt:DigitalSourceType` is `EDITED`.

    Args:
      packet: what `cleaned` gave.
    """
    document = (_parsed(packet) if packet else None) or _new()
    for description in _descriptions(document):
        if description.hasAttributeNS(_IPTC, "DigitalSourceType"):
            description.removeAttributeNS(_IPTC, "DigitalSourceType")
        for child in list(description.childNodes):
            if (child.namespaceURI, child.localName) == (_IPTC, "DigitalSourceType"):
                description.removeChild(child)
    target = next(_descriptions(document), None)
    if target is None:
        return marked(None)
    mark = document.createElementNS(_IPTC, "Iptc4xmpExt:DigitalSourceType")
    mark.setAttributeNS(_XMLNS, "xmlns:Iptc4xmpExt", _IPTC)
    mark.appendChild(document.createTextNode(EDITED))
    target.appendChild(mark)
    return _text(document)


def with_extension(packet: bytes, segments: Sequence[bytes]) -> bytes:
    """A JPEG's packet together with the rest of it, which did not fit into one marker.

    Args:
      packet: the main packet.
      segments: contents of the file's APP1 markers, in any order.
    """
    document = _parsed(packet)
    if document is None or not segments:
        return packet
    found = re.search(rb"HasExtendedXMP[^0-9A-F]{1,3}([0-9A-F]{32})", packet)
    pieces = {}
    start = len(_EXTENSION) + 32
    for segment in segments:
        if found and segment.startswith(_EXTENSION + found[1]) and len(segment) > start + 8:
            _, offset = struct.unpack_from(">II", segment, start)
            pieces[offset] = segment[start + 8 :]
    extension = _parsed(b"".join(pieces[offset] for offset in sorted(pieces)))
    target = next((node for node in _elements(document) if _is_rdf(node, "RDF")), None)
    if extension is None or target is None:
        return packet
    for description in list(_descriptions(extension)):
        inherited = _prefixes(description)
        copy = target.appendChild(document.importNode(description, True))
        for name, value in inherited.items():
            copy.setAttributeNS(_XMLNS, name, value)
    return _text(document)


def jpeg_segments(packet: bytes) -> list[bytes]:
    """The contents of the APP1 markers that hold a packet: one, or more if it is long."""
    if len(_HEADER) + len(packet) <= _MARKER:
        return [_HEADER + packet]
    # The mark is what others look for first; everything else goes to the extension.
    guid = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
    main = _new(f' xmlns:xmpNote="{_NOTE}" xmpNote:HasExtendedXMP="{guid}"')
    text = _text(main)
    if EDITED.encode() in packet:
        text = marked(text)
    segments = [_HEADER + text]
    for start in range(0, len(packet), _PIECE):
        numbers = struct.pack(">II", len(packet), start)
        piece = packet[start : start + _PIECE]
        segments.append(_EXTENSION + guid.encode() + numbers + piece)
    return segments


def _parsed(packet) -> Document | None:
    packet = packet.strip(b"\0 \t\r\n")
    # XMP has no document type. Without one no entities can be declared, which could grow or read
    # files; in UTF-16 the letters lie apart.
    if not packet or b"<!DOCTYPE" in packet.replace(b"\0", b""):
        return None
    try:
        document = minidom.parseString(packet)
    except (ExpatError, ValueError, LookupError):
        return None
    return None if _too_deep(document) else document


def _too_deep(document):
    level = [document.documentElement]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in node.childNodes]
        if not level:
            return False
    return True


def _new(attributes=""):
    return minidom.parseString((_EMPTY % attributes).encode())


def _text(document):
    # Each node, because minidom would write an XML declaration before the packet's own header.
    return "".join(node.toxml() for node in document.childNodes).encode()


def _elements(document) -> Iterator[Element]:
    yield from document.getElementsByTagName("*")


def _is_rdf(node, name):
    return node.namespaceURI == _RDF and node.localName == name


def _descriptions(document) -> Iterator[Element]:
    """The elements that hold the properties of the photo."""
    for node in _elements(document):
        parent = node.parentNode
        if _is_rdf(node, "Description") and parent is not None and _is_rdf(parent, "RDF"):
            yield node


def _properties(description):
    """Attributes and elements that state something."""
    attributes = [
        attribute
        for attribute in description.attributes.values()
        if attribute.namespaceURI not in (_RDF, _XMLNS, None)
    ]
    return attributes + [child for child in description.childNodes if child.localName]


def _is_stale(node):
    namespace, name = node.namespaceURI or "", node.localName
    return (
        namespace.startswith(_STALE_NAMESPACES)
        or (namespace, name) in _STALE
        or (namespace == _CAMERA and bool(_STALE_CAMERA.match(name or "")))
    )


def _prefixes(element):
    """Declarations of prefixes around an element."""
    found = {}
    node = element.parentNode
    while node is not None and node.attributes is not None:
        for attribute in node.attributes.values():
            if attribute.namespaceURI == _XMLNS:
                found.setdefault(attribute.name, attribute.value)
        node = node.parentNode
    return {name: found[name] for name in found if not element.hasAttribute(name)}


def _forget_prefixes(document):
    """Removes declarations of stale namespaces."""
    for element in _elements(document):
        for attribute in list(element.attributes.values()):
            declares = attribute.namespaceURI == _XMLNS
            if declares and attribute.value.startswith(_STALE_NAMESPACES):
                element.removeAttributeNode(attribute)
