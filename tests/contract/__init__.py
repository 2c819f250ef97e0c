"""The product from outside: what the design pages promise to scripts, schedulers, auditors and people."""
