"""Make of a source what a network was trained on, and remember where every voxel came from. No I/O."""
