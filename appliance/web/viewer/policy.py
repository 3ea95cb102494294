"""Headers of what belongs to OHIF."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'self' blob:",
        "frame-src blob:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What OHIF needs and no more: codecs in WebAssembly, workers that it makes itself, styles that its parts write,
documents (PDF) that it has fetched; and what reads segmentations (ndarray) compiles accessors from text. Its scripts
carry the policy too: a worker lives under that of its own file.
"""
