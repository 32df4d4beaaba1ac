"""The laws look from a second process, too: here it is forked, in scripts/soak and tests/testing it is a new interpreter."""

from support.forked import forked as forked
