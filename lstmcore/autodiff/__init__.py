"""Users' own functions: arrays that know their masks, and derivation by the library autograd.

autograd is imported when the first function is derived.
"""
