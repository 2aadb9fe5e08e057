"""The same engine in virtual time: what a step costs on a device, and what a server of such steps is like.

Standard library only: it runs wherever Python runs, a browser included. Scheduler, event loops and dispatcher are the
real ones; simulated are the device and the passing of time.
"""
