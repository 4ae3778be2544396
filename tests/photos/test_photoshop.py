"""Photoshop's resources keep IPTC and lose pictures."""

import struct

import pytest

from tfrelight.photos import photoshop


def resource(number, data, name=b"", signature=b"8BIM"):
    label = bytes([len(name)]) + name
    label += b"\0" * (len(label) % 2)
    block = signature + struct.pack(">H", number) + label + struct.pack(">I", len(data)) + data
    return block + b"\0" * (len(data) % 2)


IPTC = resource(1028, b"\x1c\x02\x78\x00\x05Hello")
PATH = resource(2000, bytes(26), b"a clipping path")


@pytest.mark.parametrize("number", [1033, 1036, 1024, 1058, 1060])
def test_copies_of_the_picture_go_and_the_rest_stays(number):
    for name in (b"", b"odd", b"even"):
        old = resource(number, b"\xff\xd8\xff the old picture" + bytes(len(name)), name)
        for mixed in (old + IPTC + PATH, IPTC + old + PATH, IPTC + PATH + old):
            assert photoshop.cleaned(mixed) == IPTC + PATH


def test_other_signatures_are_resources_too():
    block = resource(7000, b"ImageReady", signature=b"MeSa")
    assert photoshop.cleaned(block + resource(1036, b"x", signature=b"MeSa")) == block


@pytest.mark.parametrize("cut", range(1, len(PATH)))
def test_what_is_cut_off_is_left_out(cut):
    assert photoshop.cleaned(IPTC + PATH[:-cut]) == IPTC


def test_iptc_is_found_and_added_once():
    assert photoshop.iptc(PATH) is None
    added = photoshop.with_iptc(PATH, b"odd")
    assert photoshop.iptc(added) == b"odd" and len(added) % 2 == 0
    assert photoshop.with_iptc(added, b"other") == added
    assert photoshop.cleaned(added) == added
