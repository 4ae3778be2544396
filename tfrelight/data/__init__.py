"""Portraits for training and evaluation: readers, records, pairs, augmentation."""
