"""The double of MNS, now called Simple Message Queue (SMQ): queues, topics and subscriptions.

`service.MnsService` is the semantics, `api.MnsEndpoint` the wire.
"""
