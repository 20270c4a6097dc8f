"""Models and weights of other libraries: a package for each, `lstmcore.saving.formats` its door."""
