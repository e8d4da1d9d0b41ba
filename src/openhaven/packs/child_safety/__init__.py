"""The pack that keeps children safe from strangers and pressure. Its text files are the pack."""
