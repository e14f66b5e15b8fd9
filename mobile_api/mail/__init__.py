"""A list by e-mail: composed, sent durably, and the embedded sink."""
