"""Faces in a photo: detection, crops for the network, and segmentation of the head."""
