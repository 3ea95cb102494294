"""The ledger: what arrived, what is to be done, what was found, what was sent. It is the truth; queues only move."""
