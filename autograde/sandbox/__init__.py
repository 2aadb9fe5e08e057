"""Boxes around students' code: what this machine can isolate, the box, and the fork servers that live in it."""
