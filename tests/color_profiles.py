"""ICC profiles for tests."""

import struct


def display_p3():
    """A Display P3 profile (ICC.1:2022): SMPTE RP 431-2's primaries, D65, sRGB's curve."""
    # Columns of the matrix to XYZ, adapted to D50.
    columns = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
        b"wtpt": (0.96420, 1.00000, 0.82491),
    }
    # Parametric curve 3: ((x + 0.055) / 1.055) ^ 2.4 from 0.04045 on, x / 12.92 below.
    curve = b"para" + struct.pack(">IHH", 0, 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055)
    curve += fixed(1 / 12.92, 0.04045)
    tags = {name: b"XYZ \0\0\0\0" + fixed(*values) for name, values in columns.items()}
    tags.update({name: curve for name in (b"rTRC", b"gTRC", b"bTRC")})
    tags[b"desc"] = text("Display P3")
    tags[b"cprt"] = text("Public domain")
    return profile(b"RGB ", tags)


def grey():
    """A profile of grey pictures with a gamma of 2.2."""
    curve = b"curv" + struct.pack(">IIHH", 0, 1, round(2.2 * 256), 0)
    white = b"XYZ \0\0\0\0" + fixed(0.96420, 1.0, 0.82491)
    tags = {b"wtpt": white, b"kTRC": curve, b"desc": text("Grey"), b"cprt": text("Public domain")}
    return profile(b"GRAY", tags)


def fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def text(content):
    encoded = content.encode("utf-16-be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(encoded), 28) + encoded


def profile(space, tags):
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x04000000, b"mntr", space, b"XYZ "
    )
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + fixed(0.96420, 1.0, 0.82491)
    return header.ljust(128, b"\0") + table + body
