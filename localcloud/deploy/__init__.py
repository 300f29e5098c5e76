"""From a checked template to living queues, tables and functions: one module per service, `stack` has the order."""
