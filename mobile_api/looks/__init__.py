"""Looks: mirrors bring them, phones of their shoppers show them, links lead friends to them."""
