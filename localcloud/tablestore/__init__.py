"""The local Tablestore. In the order of reading: values, tables, cells, conditions, rows, service; then the wire."""
