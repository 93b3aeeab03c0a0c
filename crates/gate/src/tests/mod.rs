//! The whole gate over its router, before a server on loopback that tells what reached it, with an issuer that decides as it is told.

mod arguments;
mod bounds;
mod ends;
mod gated;
mod hostile;
mod input;
mod issuer;
mod messages;
mod sessions;
mod start;
mod table;
mod told;
mod waits;
mod world;
