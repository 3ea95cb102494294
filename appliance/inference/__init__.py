"""Run the networks of a package: sessions, providers and the strategies by which tensors go through them."""
