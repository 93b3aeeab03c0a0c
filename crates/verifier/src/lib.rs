//! What a resource server needs to accept or refuse one of our tokens: a function and a tower layer.
