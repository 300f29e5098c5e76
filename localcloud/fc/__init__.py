"""The double of Function Compute: functions in worker processes, triggers, asynchronous calls, the API on the wire."""
