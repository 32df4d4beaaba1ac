"""Small models of the signatures that the documented notebook uses, with weights of our own."""
