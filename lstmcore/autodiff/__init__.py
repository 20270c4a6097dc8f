"""Derivation of users' own functions by the library autograd, imported when it is first used."""
