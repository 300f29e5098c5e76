"""The local cloud: doubles of ECS, MNS, Tablestore and Function Compute that the official SDKs talk to.

It runs on your machine and never ships. It imports nothing of `shared`: a double that used our code
would share its mistakes.
"""
