"""Reference pages made out of the code: `python -m cli.reference`, or `make docs`. Nobody edits them by hand."""
