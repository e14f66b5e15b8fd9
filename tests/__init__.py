"""The tests. A package, because some distributions on PyPI install a package of this name."""
