"""ECS and Cloud Assistant, API 2014-05-26: instances, commands, invocations.

Semantics without a wire (`service`), the RPC wire around them (`api`), and executors that run the scripts.
"""
