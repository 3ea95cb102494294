"""The radiologist's worklist: what its lines say, and how they are kept up with the ledger."""
