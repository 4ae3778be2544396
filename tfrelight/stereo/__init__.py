"""Photometric stereo: normals and albedo from photos under several lights, known or unknown."""
